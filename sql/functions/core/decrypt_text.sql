create or replace function core.decrypt_text(p bytea) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_result text;
begin
    execute format($sql$ select %I.pgp_sym_decrypt($1, $2) $sql$, core.cipher_schema())
       into v_result
      using p, current_setting('app.encryption_key');
    return v_result;
exception
    when external_routine_invocation_exception then
        perform core.raise_error('PT422', 'invalid', 'The value cannot be decrypted with this key.');
end
$fn$;

revoke execute on function core.decrypt_text(bytea) from public;
grant execute on function core.decrypt_text(bytea) to app_user, app_definer;

comment on function core.decrypt_text(bytea) is
    'What core.encrypt_text encrypted with the same app.encryption_key; null for null. Errors: PT422 another key or damaged, PT503 no '
    'pgcrypto, or no app.encryption_key.';
