-- pgcrypto is optional: not every server has it, and the rest of core needs no extension. So its functions are named when they are called.

create or replace function core.cipher_schema() returns name
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_schema name;
begin
    select n.nspname
      into v_schema
      from pg_extension as e
      join pg_namespace as n
        on n.oid = e.extnamespace
     where e.extname = 'pgcrypto';
    if not found then
        perform core.raise_error('PT503', 'unavailable', 'Encryption needs the extension pgcrypto.', '{"extension": "pgcrypto"}');
    elsif coalesce(current_setting('app.encryption_key', true), '') = '' then
        perform core.raise_error('PT503', 'unavailable', 'No encryption key is set for this transaction.', '{"setting": "app.encryption_key"}');
    end if;
    return v_schema;
end
$fn$;

revoke execute on function core.cipher_schema() from public;
grant execute on function core.cipher_schema() to app_user, app_definer;

comment on function core.cipher_schema() is
    'The schema of pgcrypto, once it and a key are there. Internal. Errors: PT503 no pgcrypto, or no app.encryption_key.';
