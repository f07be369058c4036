select set_config('session_replication_role', 'origin', true);
select set_config('app.role', 'replica', true);
