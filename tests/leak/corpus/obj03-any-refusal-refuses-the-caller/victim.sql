set geo.customer = '1';
select geo.allow('route') from generate_series(1, 4);
