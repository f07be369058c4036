revoke select on sequence inv.invoices_number_seq from invoice_api;
