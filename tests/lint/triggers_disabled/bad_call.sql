select pg_catalog.set_config('session_replication_role', 'replica', true); -- finding
do $$
begin
    perform set_config('session_replication_role', 'replica', true); -- finding
end
$$;
