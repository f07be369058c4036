create role jobs_owner nologin;
create role jobs_app login;
create schema jobs authorization jobs_owner;
grant usage on schema jobs to jobs_app;
set role jobs_owner;
create table jobs.tenants (
    id integer primary key
);
create table jobs.queue (
    tenant_id integer not null references jobs.tenants,
    id uuid not null default gen_random_uuid(),
    kind text not null check (kind in ('mail', 'export')),
    payload jsonb not null default '{}',
    claimed_at timestamptz,
    primary key (tenant_id, id)
);
create function jobs.tenant() returns integer language plpgsql stable as $$
begin
    return current_setting('jobs.tenant')::integer;
exception when undefined_object or invalid_text_representation then
    raise exception 'no tenant' using errcode = 'insufficient_privilege';
end $$;
create function jobs.enqueue(p_kind text, p_payload jsonb) returns uuid
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into jobs.queue (tenant_id, kind, payload) values (jobs.tenant(), p_kind, p_payload) returning id
$$;
create function jobs.claim(p_kind text) returns table (id uuid, payload jsonb)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update jobs.queue q set claimed_at = now()
     where q.tenant_id = jobs.tenant() and q.id = (
         select n.id from jobs.queue n
          where n.tenant_id = jobs.tenant() and n.kind = p_kind and n.claimed_at is null limit 1 for update skip locked
     )
    returning q.id, q.payload
$$;
create procedure jobs.finish(p_job uuid)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from jobs.queue q where q.id = p_job and q.tenant_id = jobs.tenant()
$$;
create function jobs.wake() returns trigger language plpgsql as $$
begin
    notify job_arrived;
    return null;
end $$;
create trigger wake after insert on jobs.queue for each statement execute function jobs.wake();
alter table jobs.tenants enable row level security;
alter table jobs.queue enable row level security;
create policy own on jobs.tenants for select to jobs_app using (id = jobs.tenant());
create policy own on jobs.queue for select to jobs_app using (tenant_id = jobs.tenant());
grant select on jobs.tenants, jobs.queue to jobs_app;
insert into jobs.tenants values (1), (2);
insert into jobs.queue (tenant_id, id, kind, payload) values
    (1, '10000000-0000-4000-8000-000000000001', 'mail', '{"to": "SECRET"}'),
    (2, '20000000-0000-4000-8000-000000000002', 'mail', '{"to": "own"}');
