-- rental.import_rows: the frame of the bulk calls. A bad row costs itself and no other.

create or replace function rental.import_rows(p_kind text, p_rows jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_name_field constant text := case p_kind when 'tenants' then 'email' else 'name' end;
    c_id_field   constant text := case p_kind when 'tenants' then 'inviteId' else 'unitId' end;
    v_batch_id   uuid;
    v_row        jsonb;
    v_row_no     integer;
    v_id         uuid;
    v_name       text;
    v_seen       text[] := '{}';
    v_detail     text;
    v_constraint text;
    v_success    jsonb := '[]';
    v_failed     jsonb := '[]';
    v_result     jsonb;
begin
    v_batch_id := rental.begin_import(p_kind, case when jsonb_typeof(p_rows) = 'array' then jsonb_array_length(p_rows) end);

    for v_row, v_row_no in
        select e.value, e.ordinality::integer
          from jsonb_array_elements(p_rows) with ordinality as e
    loop
        v_name := case when jsonb_typeof(v_row) = 'object' then btrim(v_row ->> c_name_field) end;
        begin
            if p_kind = 'tenants' and lower(v_name) = any (v_seen) then
                perform core.raise_error('PT422', 'invalid', 'This address stands in an earlier row of the call.');
            end if;
            v_seen := v_seen || lower(v_name);
            v_id := rental.import_row(p_kind, v_row, v_batch_id);
            v_success := v_success || jsonb_build_object('row', v_row_no, c_name_field, v_name, c_id_field, v_id);
        exception
            -- These are about the moment and not about the row: the whole call is tried again.
            when serialization_failure or deadlock_detected or lock_not_available then
                raise;
            when others then
                get stacked diagnostics v_detail = pg_exception_detail, v_constraint = constraint_name;
                if sqlstate !~ '^PT4' then
                    v_detail := (select i.message from core.error_info(sqlstate, v_constraint) as i);
                end if;
                v_failed := v_failed || jsonb_build_object('row', v_row_no, c_name_field, v_name, 'error', v_detail);
        end;
    end loop;

    v_result := jsonb_build_object(
        'total', jsonb_array_length(p_rows),
        'successful', jsonb_array_length(v_success),
        'failed', jsonb_array_length(v_failed),
        'results', jsonb_build_object('success', v_success, 'failed', v_failed));
    perform rental.record_import(v_batch_id, v_result);
    return v_result;
end
$fn$;

revoke execute on function rental.import_rows(text, jsonb) from public;
grant execute on function rental.import_rows(text, jsonb) to app_user;

comment on function rental.import_rows(text, jsonb) is
    'Write 1 to 100 rows of kind tenants or units, each by itself, and return {total, successful, failed, results: {success[], failed[]}} with '
    'the number of each row. Each call is another import. Errors: PT400 no array of 1 to 100, PT401 not signed in, PT403 no landlord in the '
    'context, PT429 too many calls (policy invites).';
