create function app.tg_one() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
end
$$;
create function app.tg_two() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text := case when tg_op = 'INSERT' then 'end' else 'begin' end;
begin
    if tg_op = 'DELETE' then
        return old;
    elsif (case when v_kind = 'end' then true else false end) then
        return new;
    else
        raise exception 'no';
    end if;
end;
$$;
create function app.tg_three() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
<<whole>>
begin
    case tg_op
        when 'INSERT' then return new;
        when 'DELETE' then return old;
    end case;
exception
    when unique_violation then
        return null;
    when others then
        raise;
end whole
$$;
create function app.tg_four() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    loop
        begin
            insert into app.docs (id) values (1);
            return null;
        exception when unique_violation then
            -- once more
            null;
        end;
    end loop;
end
$$;
create function app.no_trigger() returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from app.docs where id < 10;
end
$$;
