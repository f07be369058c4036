-- rental.begin_import: a bulk call is counted and put on record before its first row.

-- Definer: how many rows an import has left is nothing a landlord may write.
create or replace function rental.begin_import(p_kind text, p_total integer) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner    uuid := core.require_tenant();
    v_batch_id uuid;
begin
    perform core.rate_limit_or_raise('invites');
    if (p_total between 1 and 100) is not true then
        perform core.raise_error('PT400', 'bad_request', 'An import takes an array of 1 to 100 rows.');
    end if;
    insert into rental.import_batches as b (owner_user_id, kind, total, rows_left)
    values (v_owner, p_kind, p_total, case when p_kind = 'tenants' then p_total else 0 end)
    returning b.id into v_batch_id;
    return v_batch_id;
end
$fn$;

alter function rental.begin_import(text, integer) owner to app_definer;
revoke execute on function rental.begin_import(text, integer) from public;
grant execute on function rental.begin_import(text, integer) to app_user;

comment on function rental.begin_import(text, integer) is
    'Begin an import of 1 to 100 rows of kind tenants or units for the active landlord, count it as one call, and return the batch. Each call '
    'begins another. Errors: PT400 not 1 to 100 rows, PT401 not signed in, PT403 no landlord in the context, PT429 too many calls '
    '(policy invites), 23502 or 23514 no such kind.';
