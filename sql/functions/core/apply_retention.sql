-- All batches are one transaction of the caller's: a crash undoes them together. Where that is too long a transaction, p_max_batches
-- makes it shorter; call until it returns 0.

create or replace function core.apply_retention(p_table regclass, p_batch integer default null, p_max_batches integer default null) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_policy    core.retention_policies;
    v_cutoff    timestamptz;
    v_statement text;
    v_batch     integer;
    v_batches   integer := 0;
    v_gone      bigint;
    v_kept      bigint;
    v_total     bigint := 0;
begin
    select p.* into v_policy from core.retention_policies as p where to_regclass(p.table_name) = p_table;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'No retention policy names this table.', jsonb_build_object('table', p_table)::text);
    end if;
    v_batch := coalesce(p_batch, v_policy.batch_size);
    if v_batch not between 1 and 50000 or p_max_batches < 1 then
        perform core.raise_error('PT400', 'bad_request', 'A batch has 1 to 50000 rows, and there is at least one.', '{"batch": "out of range"}');
    end if;

    v_cutoff := clock_timestamp() - v_policy.keep;
    v_statement := core.retention_statement(v_policy);
    loop
        execute v_statement into v_gone, v_kept using v_cutoff, v_batch;
        if v_gone <> v_kept then
            perform core.raise_error('PT409', 'conflict', 'The archive did not take every row, so none was moved.',
                                     jsonb_build_object('deleted', v_gone, 'archived', v_kept)::text);
        end if;
        v_total := v_total + v_gone;
        v_batches := v_batches + 1;
        exit when v_gone < v_batch or v_batches >= p_max_batches;
    end loop;
    return v_total;
end
$fn$;

alter function core.apply_retention(regclass, integer, integer) owner to app_definer;
revoke execute on function core.apply_retention(regclass, integer, integer) from public;
grant execute on function core.apply_retention(regclass, integer, integer) to app_owner;

comment on function core.apply_retention(regclass, integer, integer) is
    'Delete or archive the rows of a table that are older than its policy keeps, and return how many. Idempotent, safe in parallel and '
    'when interrupted. For cron. Errors: PT400 batch out of range, PT409 the archive refused a row, PT422 no policy, or an archive that '
    'does not exist or would lose columns or row security.';
