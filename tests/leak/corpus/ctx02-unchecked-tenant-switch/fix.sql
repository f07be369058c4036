create or replace function portal.open_session(p_person uuid, p_account uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
        select from portal.account_people m where m.person_id = p_person and m.account_id = p_account
    ) then
        raise exception 'not a member';
    end if;
    perform set_config('portal.person', p_person::text, true), set_config('portal.account', p_account::text, true);
end $$;
