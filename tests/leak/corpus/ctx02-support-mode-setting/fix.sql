create role helpdesk_support nologin;
create or replace function helpdesk.sees(p_client integer) returns boolean language sql stable as $$
    select p_client = nullif(current_setting('helpdesk.client', true), '')::integer
        or pg_catalog.pg_has_role(current_user, 'helpdesk_support', 'usage')
$$;
