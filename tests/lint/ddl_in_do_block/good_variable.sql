do $$
declare
    v_statement text := 'grant select on app.docs to app_user';
begin
    execute v_statement;
    raise notice 'alter table app.docs: nothing done';
end
$$;
