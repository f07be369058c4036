begin;
create schema xunit;
create function xunit.setup_one() returns setof text language plpgsql as $$
begin
    return next pass('set up');
end $$;
create function xunit.test_passes() returns setof text language plpgsql as $$
begin
    return next ok(true, 'fine');
    return next is(1, 1, 'equal');
end $$;
create function xunit.test_fails() returns setof text language plpgsql as $$
begin
    return next ok(true, 'fine');

    return next is(1, 2, 'one is two');
end $$;
create function xunit.test_raises() returns setof text language plpgsql as $$
begin
    return next ok(true, 'before');
    raise exception 'it broke';
end $$;
select * from runtests('xunit'::name);
rollback;
