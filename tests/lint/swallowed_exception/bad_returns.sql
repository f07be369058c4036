create function app.log_doc() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.pages (id, body) values (new.id, new.body);
    return new;
exception when others then -- finding
    return new;
end
$$;
create function app.forget_page(p_id bigint) returns boolean
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_done boolean := true;
begin
    begin
        delete from app.pages where id = p_id;
    exception
        when lock_not_available then
            raise;
        when others then -- finding
            v_done := false;
            return v_done;
    end;
    return v_done;
end
$$;
