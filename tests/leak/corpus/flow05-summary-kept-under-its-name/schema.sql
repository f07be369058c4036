create role crm_owner nologin;
create role crm_app login;
create schema crm authorization crm_owner;
grant usage on schema crm to crm_app;
set role crm_owner;
create table crm.orgs (id uuid primary key);
create table crm.deals (
    org_id uuid not null references crm.orgs,
    id uuid not null default gen_random_uuid(),
    title text not null,
    primary key (org_id, id)
);
create table crm.summaries (
    key text primary key,
    content text
);
create function crm.org() returns uuid language sql stable
as $$ select nullif(current_setting('crm.org', true), '')::uuid $$;
alter table crm.orgs enable row level security;
alter table crm.deals enable row level security;
create policy o on crm.orgs for select to crm_app using (id = crm.org());
create policy d on crm.deals to crm_app using (org_id = crm.org());
grant select on crm.orgs to crm_app;
grant select, insert, update, delete on crm.deals to crm_app;
create or replace function crm.summary(p_name text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_key text := p_name;
    v_text text;
begin
    select s.content into v_text from crm.summaries s where s.key = v_key;
    if not found then
        select string_agg(d.title, '; ') into v_text from crm.deals d where d.org_id = crm.org();
        insert into crm.summaries values (v_key, v_text);
    end if;
    return v_text;
end $$;
insert into crm.orgs values ('a0000000-0000-4000-8000-00000000000a'), ('b0000000-0000-4000-8000-00000000000b');
insert into crm.deals (org_id, title) values ('a0000000-0000-4000-8000-00000000000a', 'SECRET deal'), ('b0000000-0000-4000-8000-00000000000b', 'own deal');
