create or replace function render.claim() returns setof render.jobs
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update render.jobs j set state = 'claimed', claimed_at = now()
     where (j.tenant_id, j.id) = (
         select n.tenant_id, n.id from render.jobs n
          where n.state = 'ready' and n.tenant_id = render.tenant() order by n.id limit 1 for update skip locked
     )
    returning j.*
$$;
