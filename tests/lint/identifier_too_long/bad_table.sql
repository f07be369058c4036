create table app.strassenverzeichnis_für_größere_städte_und_überörtliche_gemeinden ( -- finding
    id bigint primary key
);
create sequence app.invoice_numbers_of_the_monthly_closing_report_for_customers_with_regions; -- finding
