do language plpgsql '
declare
    v_table regclass;
begin
    for v_table in select c.oid from pg_class c where c.relname like ''docs%'' loop
        execute ''alter table '' || v_table || '' set (fillfactor = 90)''; -- finding
    end loop;
end';
