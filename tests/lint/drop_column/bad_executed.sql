do $$
begin
    if exists (select from pg_attribute where attrelid = 'app.docs'::regclass and attname = 'body') then
        execute $ddl$alter table app.docs drop column body$ddl$; -- finding
    end if;
end
$$;
