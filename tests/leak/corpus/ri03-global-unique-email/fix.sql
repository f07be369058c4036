alter table gym.customers
    drop constraint customers_email_key,
    add constraint customers_email_key unique (studio_id, email);
