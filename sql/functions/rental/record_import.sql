-- rental.record_import: the log of a bulk call.

-- Definer: readers of the log cannot write it.
create or replace function rental.record_import(p_batch_id uuid, p_result jsonb) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner uuid := core.require_tenant();
begin
    update rental.import_batches as b
       set successful = (p_result ->> 'successful')::integer,
           failed     = (p_result ->> 'failed')::integer,
           status     = 'completed',
           rows_left  = 0
     where b.owner_user_id = v_owner
       and b.id = p_batch_id
       and b.status = 'running';
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no import of yours under way with this id.');
    end if;

    insert into rental.import_errors (owner_user_id, batch_id, row_no, email, error)
    select v_owner, p_batch_id, f.row, f.email, f.error
      from jsonb_to_recordset(p_result #> '{results,failed}') as f (row integer, email text, error text);
end
$fn$;

alter function rental.record_import(uuid, jsonb) owner to app_definer;
revoke execute on function rental.record_import(uuid, jsonb) from public;
grant execute on function rental.record_import(uuid, jsonb) to app_user;

comment on function rental.record_import(uuid, jsonb) is
    'Keep the outcome of an import of the active landlord: its counts, and each refused row with the reason. Not idempotent: the second call '
    'is refused. Errors: PT401 not signed in, PT403 no landlord in the context, PT404 no such import under way, 23502 or 23514 malformed.';
