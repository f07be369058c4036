-- rental.record_import: the log of a bulk call.

-- Definer: readers of the log cannot write it.
create or replace function rental.record_import(p_kind text, p_result jsonb) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner    uuid := core.require_tenant();
    v_batch_id uuid;
begin
    insert into rental.import_batches as b (owner_user_id, kind, total, successful, failed, status)
    values (
        v_owner,
        p_kind,
        (p_result ->> 'total')::integer,
        (p_result ->> 'successful')::integer,
        (p_result ->> 'failed')::integer,
        'completed')
    returning b.id into v_batch_id;

    insert into rental.import_errors (owner_user_id, batch_id, row_no, email, error)
    select v_owner, v_batch_id, f.row, f.email, f.error
      from jsonb_to_recordset(p_result #> '{results,failed}') as f (row integer, email text, error text);
    return v_batch_id;
end
$fn$;

alter function rental.record_import(text, jsonb) owner to app_definer;
revoke execute on function rental.record_import(text, jsonb) from public;
grant execute on function rental.record_import(text, jsonb) to app_user;

comment on function rental.record_import(text, jsonb) is
    'Keep the outcome of a bulk call of the active landlord: its counts, and each refused row with the reason. Returns the batch. Not '
    'idempotent. Errors: PT401 not signed in, PT403 no landlord in the context, 23502 or 23514 malformed.';
