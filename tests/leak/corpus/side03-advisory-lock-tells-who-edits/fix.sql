create or replace function editor.is_being_edited(p_document integer) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from editor.documents d
         where d.id = p_document and d.tenant_id = nullif(current_setting('editor.tenant', true), '')::integer
           and (d.edited_by is not null or exists (
               select from pg_locks l where l.locktype = 'advisory' and l.classid = 7 and l.objid = d.id
           ))
    )
$$;
