create or replace function crm.summary(p_name text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_key text := crm.org() || ':' || p_name;
    v_text text;
begin
    select s.content into v_text from crm.summaries s where s.key = v_key;
    if not found then
        select string_agg(d.title, '; ') into v_text from crm.deals d where d.org_id = crm.org();
        insert into crm.summaries values (v_key, v_text);
    end if;
    return v_text;
end $$;
