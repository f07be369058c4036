alter policy p on pl.tickets
    using (customer_id = nullif(current_setting('pl.customer', true), '')::bigint);
