-- By key name: a value under a key that names a secret is replaced whole, at any depth.

create or replace function core.redact(p_value jsonb) returns jsonb
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_secret constant text :=
        'pass(word|wd|phrase|code)?$|passw|secret|token|authorization|bearer|cookie|credential|api[_-]?key|private[_-]?key'
        || '|encryption[_-]?key|access[_-]?key|session[_-]?id|^pin$|^(otp|totp)([_-]|$)|^cvv|^cvc|card[_-]?number|iban|^ssn$|signature'
        || '|pwd|jwt|^auth$|^dsn$|connection[_-]?string|database[_-]?url';
begin
    return case jsonb_typeof(p_value)
        when 'object' then (
            select coalesce(
                       jsonb_object_agg(
                           entry.key,
                           case
                               when entry.key ~* c_secret and entry.value <> 'null' then '"[redacted]"'
                               else core.redact(entry.value)
                           end),
                       '{}')
              from jsonb_each(p_value) as entry)
        when 'array' then (
            select coalesce(jsonb_agg(core.redact(item.value) order by item.position), '[]')
              from jsonb_array_elements(p_value) with ordinality as item (value, position))
        else p_value
    end;
end
$fn$;

revoke execute on function core.redact(jsonb) from public;
grant execute on function core.redact(jsonb) to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.redact(jsonb) is
    'A document with the values of secret keys (password, token, authorization, api_key, …) replaced by [redacted], at any depth. '
    'Idempotent. Errors: none.';
