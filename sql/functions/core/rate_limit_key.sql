-- A caller's key lives in the caller's own room: nobody spends what another tenant has left, or learns of it.
-- The seal is only worth its hash when the request says to be somebody's.

-- dbkit: allow function_search_path_mutable because core.rate_limit alone calls it and has set one, and setting it costs a tenth of a refusal
create or replace function core.rate_limit_key(p_policy text, p_key text) returns text
    language plpgsql stable
as $fn$
declare
    v_is_signed_in boolean := coalesce(current_setting('app.user_id', true), '') <> '';
    v_user         text;
    v_ip           text;
    v_kind         text;
begin
    if v_is_signed_in then
        v_user := 'user:' || core.current_user_id();
    end if;
    if p_key is not null then
        return coalesce('tenant:' || core.active_tenant_id(), v_user, 'anon') || ':' || p_key;
    end if;

    select p.subject_kind into v_kind from core.rate_limit_policies as p where p.name = p_policy;
    if v_kind = 'global' then
        return 'global';
    elsif v_kind = 'user' and v_user is not null then
        return v_user;
    end if;
    v_ip := 'ip:' || host(core.client_ip());
    return coalesce(v_ip, v_user);
end
$fn$;

alter function core.rate_limit_key(text, text) owner to app_definer;
revoke execute on function core.rate_limit_key(text, text) from public;

comment on function core.rate_limit_key(text, text) is
    'Whose request it is, as core.rate_limits stores it; null when nobody can be told. Internal. Errors: none.';
