create role editor_owner nologin;
create role editor_api login;
create schema editor authorization editor_owner;
grant usage on schema editor to editor_api;
set role editor_owner;
create table editor.tenants (
    id integer primary key
);
create table editor.documents (
    tenant_id integer not null references editor.tenants,
    id integer not null unique,
    title text not null,
    edited_by text,
    primary key (tenant_id, id)
);
alter table editor.tenants enable row level security;
alter table editor.documents enable row level security;
create policy t on editor.tenants for select to editor_api
    using (id = nullif(current_setting('editor.tenant', true), '')::integer);
create policy d on editor.documents for select to editor_api
    using (tenant_id = nullif(current_setting('editor.tenant', true), '')::integer);
grant select on editor.tenants, editor.documents to editor_api;
create function editor.is_being_edited(p_document integer) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from editor.documents d where d.id = p_document and d.edited_by is not null)
        or exists (select from pg_locks l where l.locktype = 'advisory' and l.classid = 7 and l.objid = p_document)
$$;
insert into editor.tenants values (1), (2);
insert into editor.documents values (1, 11, 'theirs', 'ann'), (2, 22, 'own document', null);
