-- migrate:up transaction:false
do $$
begin
    if to_regclass('app.docs_body_idx') is null then
        execute 'create index concurrently docs_body_idx on app.docs (body)'; -- finding
    end if;
end
$$;
