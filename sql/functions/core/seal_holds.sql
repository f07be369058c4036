-- A set and not a boolean, like core.may_enter: the context readers read settings, key and seal in one statement. They run as
-- app_definer; called by anybody else this could not read the key.
-- After a transaction-local setting ends it reads '', not null: neither equals a seal.

create or replace function core.seal_holds() returns setof boolean
    language sql stable parallel restricted
begin atomic
    select true
      from core.context_keys as k
     -- A key retired after this transaction began still counts, so that rotation never empties a running request.
     where (k.retired_at is null or k.retired_at > transaction_timestamp())
       and current_setting('app.seal', true) = k.id || '.' || core.context_mac(
               k.key,
               current_setting('app.user_id', true),
               current_setting('app.tenant_id', true),
               pg_backend_pid(),
               transaction_timestamp());
end;

alter function core.seal_holds() owner to app_definer;
revoke execute on function core.seal_holds() from public;

comment on function core.seal_holds() is
    'One row while app.user_id and app.tenant_id are as core.set_context sealed them in this transaction of this backend, else none. '
    'Internal. Errors: none.';
