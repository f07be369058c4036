create table app.leads (
    id           bigint primary key,
    last_call_at timestamptz,
    created_at   timestamptz not null default now()
);
create view app.forgotten with (security_invoker = true) as
    select id from app.leads
    where last_call_at < now() - interval '7 days'; -- finding
create procedure app.remind()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update app.leads set last_call_at = now()
    where current_date - 7 > last_call_at; -- finding
end
$$;
