-- Called by the context readers only, which run as app_definer with a fixed search_path; fixing it once more would cost every policy
-- another fifth. Not a definer function: called by anybody else it could not read the key.

create or replace function core.seal_holds() returns boolean
    language plpgsql stable parallel restricted
as $fn$
declare
    v_seal text := pg_catalog.current_setting('app.seal', true);
    v_key  bytea;
begin
    -- After a transaction-local setting ends it reads '', not null.
    if v_seal is null or v_seal = '' then
        return false;
    end if;

    -- A key retired after this transaction began still counts, so that rotation never empties a running request.
    select k.key
      into v_key
      from core.context_keys as k
     where k.id::text = pg_catalog.split_part(v_seal, '.', 1)
       and (k.retired_at is null or k.retired_at > pg_catalog.transaction_timestamp());

    return coalesce(
        pg_catalog.split_part(v_seal, '.', 2) = core.context_mac(
            v_key,
            pg_catalog.current_setting('app.user_id', true),
            pg_catalog.current_setting('app.tenant_id', true),
            pg_catalog.pg_backend_pid(),
            pg_catalog.transaction_timestamp()),
        false);
end
$fn$;

alter function core.seal_holds() owner to app_definer;
revoke execute on function core.seal_holds() from public;

comment on function core.seal_holds() is
    'Whether app.user_id and app.tenant_id are as core.set_context sealed them in this transaction of this backend. Internal. Errors: none.';
