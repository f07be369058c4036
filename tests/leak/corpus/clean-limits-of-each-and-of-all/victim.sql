set maps.site_id = '1';
select maps.render('x') from generate_series(1, 100);
select maps.take_lease('build');
