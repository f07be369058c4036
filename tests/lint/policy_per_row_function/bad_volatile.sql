create function app.whoever() returns uuid language sql volatile set search_path = '' return gen_random_uuid();
alter policy members_all on app.accounts
    using (tenant_id = app.whoever()); -- finding
