create function app.tg_one() returns trigger -- finding
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.body := lower(new.body);
end
$$;
create function app.tg_two() returns trigger -- finding
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new.body is null then
        return null;
    elsif new.body = 'return new' then
        raise notice 'short';
    else
        return new;
    end if;
end
$$;
create function app.tg_three() returns trigger -- finding
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
exception when others then
    raise warning 'lost';
end
$$;
create function app.tg_four() returns trigger -- finding
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    for i in 1..3 loop
        return new;
    end loop;
end
$$;
