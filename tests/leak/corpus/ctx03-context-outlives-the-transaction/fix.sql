create or replace function hr.enter(p_org bigint) returns void language plpgsql as $$
begin
    perform set_config('hr.org', p_org::text, true);
end $$;
