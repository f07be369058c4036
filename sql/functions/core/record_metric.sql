create or replace function core.record_metric(p_name text, p_value double precision, p_labels jsonb default '{}') returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_name !~ '^[a-z][a-z0-9_]{0,62}$' or num_nulls(p_name, p_value, p_labels) > 0
        -- larger ones would overflow the mean of an hour, for everybody; greater than any number is NaN
        or abs(p_value) > 1e30
        -- a row of the hour has to fit into its index
        or jsonb_typeof(p_labels) <> 'object' or octet_length(p_labels::text) > 1024 or pg_column_size(p_labels || '{}') > 2048 then
        perform core.raise_error('PT400', 'bad_request', 'A sample needs a name in snake_case, a number up to 1e30 and an object of labels up to 1 kB.');
    end if;

    insert into core.metric_samples (name, value, labels, tenant_id, created_at)
    values (p_name, p_value, p_labels, core.active_tenant_id(), clock_timestamp());
end
$fn$;

alter function core.record_metric(text, double precision, jsonb) owner to app_definer;
revoke execute on function core.record_metric(text, double precision, jsonb) from public;
grant execute on function core.record_metric(text, double precision, jsonb) to app_user, app_renter, app_worker, app_monitor;

comment on function core.record_metric(text, double precision, jsonb) is
    'Store one measurement, with the tenant of the transaction where there is one. Each call stores. '
    'Errors: PT400 malformed name, no number or one beyond 1e30, labels no object or over 1 kB.';
