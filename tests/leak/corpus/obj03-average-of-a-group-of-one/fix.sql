create or replace function hr.benchmark(p_job int) returns numeric language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select avg(s.monthly) from hr.salary s join hr.employee e using (company, badge) where e.job_id = p_job and e.company = current_setting('hr.company', true) $$;
