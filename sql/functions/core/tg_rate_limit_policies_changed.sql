-- Rows of core.rate_limits carry when the next request may come; under another policy that is another time.
-- exact: the max-th newest request leaves the window. gcra: one request's share has drained.

create or replace function core.tg_rate_limit_policies_changed() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    update core.rate_limits as r
       set max_requests = new.max_requests,
           next_at = case new.algorithm
                         when 'exact' then r.hits[cardinality(r.hits) - new.max_requests + 1] + new.window_seconds * interval '1 second'
                         else r.tat - (new.window_seconds - new.window_seconds::double precision / new.max_requests) * interval '1 second'
                     end
     where r.policy = new.name;
    return null;
end
$fn$;

alter function core.tg_rate_limit_policies_changed() owner to app_definer;
revoke execute on function core.tg_rate_limit_policies_changed() from public;

comment on function core.tg_rate_limit_policies_changed() is
    'Trigger AFTER UPDATE of core.rate_limit_policies: keys that are counted now follow the policy as changed. Errors: none.';
