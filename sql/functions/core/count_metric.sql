-- One row a tenant, metric and day: two transactions that count the same wait for each other, so count late.

create or replace function core.count_metric(p_metric text, p_n bigint default 1, p_amount numeric default 0) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    if p_metric !~ '^[a-z][a-z0-9_]{0,62}$' or num_nulls(p_metric, p_n, p_amount) > 0 or p_amount = 'NaN' then
        perform core.raise_error('PT400', 'bad_request', 'A counter needs a name in snake_case, a number and an amount.');
    end if;

    insert into core.daily_counters as c (tenant_id, metric, day, count, amount)
    values (v_tenant, p_metric, core.tenant_today(v_tenant), p_n, p_amount)
    on conflict (tenant_id, metric, day) do update
       set count = c.count + excluded.count,
           amount = c.amount + excluded.amount;
end
$fn$;

alter function core.count_metric(text, bigint, numeric) owner to app_definer;
revoke execute on function core.count_metric(text, bigint, numeric) from public;
grant execute on function core.count_metric(text, bigint, numeric) to app_user;

comment on function core.count_metric(text, bigint, numeric) is
    'Add to a figure of the active tenant for its calendar day; part of the transaction it counts. Each call counts. '
    'Errors: PT400 malformed name, no number, PT401 nobody is signed in, PT403 no tenant named, 22003 the amount outgrew its column.';
