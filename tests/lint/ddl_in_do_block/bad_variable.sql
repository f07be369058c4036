do $$
declare
    v_statement text;
begin
    foreach v_statement in array array['alter table app.docs set (fillfactor = 90)', 'select 1'] loop
        execute v_statement; -- finding
    end loop;
end
$$;
