do $$
begin
    if not exists (select from pg_constraint where conname = 'docs_body_check') then
        alter table app.docs add constraint docs_body_check check (body <> '') not valid; -- finding
    end if;
end
$$;
do $$
declare
    v_table text;
begin
    foreach v_table in array array['docs', 'pages'] loop
        execute format('alter table app.%I add column region text', v_table); -- finding
    end loop;
end
$$;
