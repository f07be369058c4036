create or replace function lk.try_lock(p_id int) returns boolean
language sql security definer set search_path = '' as $$
    select pg_try_advisory_xact_lock(hashtextextended(current_setting('lk.t', true) || ':' || p_id, 42))
$$;
