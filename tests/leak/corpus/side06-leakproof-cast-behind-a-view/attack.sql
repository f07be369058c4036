begin;
set local shop.id = '32';
select case when exists (select 1 from api.sales where buyer = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
set local enable_indexscan = off; set local enable_bitmapscan = off;
do $$ begin perform 1 from api.sales where total > 5 and api.as_number(buyer) > 0; exception when others then perform set_config('sl.answer', sqlerrm, true); end $$;
select 'LEAK: ' || current_setting('sl.answer', true) where current_setting('sl.answer', true) like '%SECRET-A%';
rollback;
