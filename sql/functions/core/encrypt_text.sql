-- The key is a setting of the transaction, from the application's own store: a dump or a stolen disk holds ciphertext only.

create or replace function core.encrypt_text(p text) returns bytea
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_result bytea;
begin
    execute format($sql$ select %I.pgp_sym_encrypt($1, $2, 'cipher-algo=aes256') $sql$, core.cipher_schema())
       into v_result
      using p, current_setting('app.encryption_key');
    return v_result;
end
$fn$;

revoke execute on function core.encrypt_text(text) from public;
grant execute on function core.encrypt_text(text) to app_user, app_definer;

comment on function core.encrypt_text(text) is
    'Text encrypted with app.encryption_key (OpenPGP, AES-256), differently with each call; null for null. Errors: PT503 no pgcrypto, or no '
    'app.encryption_key.';
