-- Attach as: create trigger _000_no_truncate before truncate on <table> for each statement execute function core.tg_no_truncate();

create or replace function core.tg_no_truncate() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.raise_error('PT403', 'forbidden', format('%I.%I is never truncated.', tg_table_schema, tg_table_name));
    return null;
end
$fn$;

revoke execute on function core.tg_no_truncate() from public;

comment on function core.tg_no_truncate() is
    'Trigger BEFORE TRUNCATE, for each statement: keeps a log from being emptied at once. Errors: PT403 always.';
