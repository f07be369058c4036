-- Attach as: create trigger _000_append_only before update or delete on <table>
--                for each row execute function core.tg_append_only();
-- Privileges stop everybody without them; this stops a superuser's slip. Whoever disables it is found by core.verify_audit.

create or replace function core.tg_append_only() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.raise_error('PT403', 'forbidden', format('Rows of %I.%I are never changed or deleted.', tg_table_schema, tg_table_name));
    return null;
end
$fn$;

revoke execute on function core.tg_append_only() from public;

comment on function core.tg_append_only() is
    'Trigger BEFORE UPDATE OR DELETE, for each row: keeps a log append-only, for its owner too. Errors: PT403 always.';
