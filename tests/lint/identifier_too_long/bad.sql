create index -- a comment first
    docs_by_customer_and_status_and_region_for_the_monthly_closing_report_idx -- finding
    on only app.docs (body);
