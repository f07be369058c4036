do $$
begin
    alter table app.docs add constraint docs_body_check check (body <> '') not valid;
    execute 'alter table app.docs ' || 'validate constraint docs_body_check'; -- finding
end
$$;
