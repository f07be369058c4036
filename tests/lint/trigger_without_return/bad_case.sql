create function app.sorted() returns trigger -- finding
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    case tg_op
        when 'DELETE' then return old;
        else perform case when tg_when = 'BEFORE' then 1 end;
    end case;
end $$;
