-- storage.foldername: the folders of a path.
begin;
select plan(4);

select tests.act_as('app_user');
select is(storage.foldername('a/b/c.pdf'), array['a', 'b'], 'the parts without the last');
select is(storage.foldername('me.png'), '{}', 'a bare name has none');
select is(storage.foldername(''), '{}', 'nor has an empty one');
select is(storage.foldername(null), null, 'and null stays null');

select * from finish();
rollback;
