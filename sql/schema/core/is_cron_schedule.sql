-- core.is_cron_schedule: what pg_cron and dbkit cron both read, checked where it is written: one bad row would stop core.sync_cron.

create function core.is_cron_schedule(p_schedule text) returns boolean
    language plpgsql immutable strict parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_lowest  constant integer[] := '{0,0,1,1,0}';
    c_highest constant integer[] := '{59,23,31,12,7}';
    c_months  constant text[] := '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}';
    c_days    constant text[] := '{sun,mon,tue,wed,thu,fri,sat}';
    v_fields  text[] := string_to_array(p_schedule, ' ');
    v_item    text[];
    v_first   integer;
    v_last    integer;
begin
    if cardinality(v_fields) <> 5 then
        return false;
    end if;
    for v_field in 1..5 loop
        foreach v_item slice 1 in array (
            -- *, a number, or a range; the first and the last may have a step
            select coalesce(array_agg(array[part[1], part[2], coalesce(part[3], part[2]), part[3], part[4]]), '{{null,null,null,null,null}}')
              from string_to_table(v_fields[v_field], ',') as item
              left join regexp_match(item, '^(\*|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:/(\d{1,3}))?$') as part on true)
        loop
            if v_item[1] is null or v_item[5]::integer = 0 then
                return false;
            end if;
            continue when v_item[1] = '*';
            -- a single number has no step
            if v_item[5] is not null and v_item[4] is null then
                return false;
            end if;
            v_first := case when v_item[2] ~ '^\d' then v_item[2]::integer
                            when v_field = 4 then array_position(c_months, v_item[2])
                            when v_field = 5 then array_position(c_days, v_item[2]) - 1 end;
            v_last := case when v_item[3] ~ '^\d' then v_item[3]::integer
                           when v_field = 4 then array_position(c_months, v_item[3])
                           when v_field = 5 then array_position(c_days, v_item[3]) - 1 end;
            if coalesce(v_first > v_last or v_first < c_lowest[v_field] or v_last > c_highest[v_field], true) then
                return false;
            end if;
        end loop;
    end loop;
    return true;
end
$fn$;

revoke execute on function core.is_cron_schedule(text) from public;
grant execute on function core.is_cron_schedule(text) to app_definer;

comment on function core.is_cron_schedule(text) is
    'Whether a text is a schedule in five fields (minute, hour, day of month, month, day of week) of numbers, names, ranges, lists and '
    'steps in lower case. Null for null. Errors: none.';
