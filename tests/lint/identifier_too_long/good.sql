create index docs_monthly_closing_idx on only app.docs (body);

comment on table app.docs is 'docs_by_customer_and_status_and_region_for_the_monthly_closing_report_idx';
