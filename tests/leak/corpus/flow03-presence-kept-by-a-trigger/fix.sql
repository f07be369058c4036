create or replace function desk.anybody_online() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from desk.presence p where p.seen_at > now() - interval '5 minutes' and p.subject = 'team:' || desk.team())
$$;
