select cron.schedule('nightly', '0 0 3 * * *', 'select 1'); -- finding
select cron.schedule('61 * * * *', 'select 1'); -- finding
select cron.schedule_in_database('x', '@fortnightly', 'select 1', 'app'); -- finding
select cron.schedule(job_name => 'y', schedule => '0 3 * * mo', command => 'select 1'); -- finding
do $$
begin
    perform cron.schedule('z', '90 seconds', 'select 1'); -- finding
end
$$;
