create table app.leads (
    id           bigint primary key,
    last_call_at timestamptz,
    last_seen_at timestamptz not null default now(),
    deleted_at   timestamptz
);
create view app.forgotten with (security_invoker = true) as
    select id from app.leads
    where (last_call_at is null or last_call_at < now() - interval '7 days')
      and last_seen_at < now() - interval '1 day';
create view app.gone with (security_invoker = true) as
    select id from app.leads where deleted_at < now() - interval '30 days' and last_call_at < '2020-01-01';
create view app.never with (security_invoker = true) as
    select id from app.leads where coalesce(last_call_at < now() - interval '7 days', true);
create view app.late with (security_invoker = true) as
    select id from app.leads where coalesce(last_call_at, '-infinity') < now() - interval '7 days';
