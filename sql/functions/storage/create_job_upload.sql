-- For workers, which act for no user: whose file it is says the job, and that they may make it says their lease. The name is the job's,
-- so another attempt finds the reservation of the one before, and a file that is complete already is left alone.

create or replace function storage.create_job_upload(
    p_lease bigint, p_job_id uuid, p_bucket text, p_extension text, p_mime text, p_size bigint
) returns table (object_id uuid, name text, token text, size_bytes bigint, content_sha256 text)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
#variable_conflict use_column
declare
    v_job    record;
    v_object storage.objects;
begin
    if p_mime is null or p_size is null or p_size < 0 or not coalesce(p_extension ~ '^[a-z0-9]{1,10}$', false) then
        perform core.raise_error('PT422', 'invalid', 'An upload says its extension, its type and its size in bytes.');
    end if;
    select j.id, j.tenant_id, j.job_type, j.created_by
      into v_job
      from core.job_leases as l
      join core.all_jobs as j on j.started_at = l.claimed_at and j.locked_by = l.worker
     where l.id = p_lease
       and j.id = p_job_id
       and j.status = 'processing';
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The worker does not hold this job, or not any more.', '{"lease": "lost"}');
    end if;
    name := format('%s/%s.%s', coalesce(v_job.tenant_id::text, 'platform'), p_job_id, p_extension);

    insert into storage.objects as o (bucket_id, name, owner_id, size_bytes, mime_type, metadata)
    values (p_bucket, name, null, p_size, p_mime,
            jsonb_build_object('job_id', v_job.id, 'job_type', v_job.job_type, 'requested_by', v_job.created_by))
    on conflict (bucket_id, name) do nothing
    returning o.* into v_object;
    if not found then
        -- A member's reservation has an owner; a worker's has none.
        update storage.objects as o
           set size_bytes = case o.state when 'pending' then p_size else o.size_bytes end
         where o.bucket_id = p_bucket
           and o.name = create_job_upload.name
           and o.owner_id is null
           and o.state <> 'deleted'
        returning o.* into v_object;
        if not found then
            perform core.raise_error('PT409', 'conflict', 'There is a file of that name, which no worker made.', '{"name": "taken"}');
        end if;
    end if;

    object_id := v_object.id;
    if v_object.state = 'uploaded' then
        size_bytes := v_object.size_bytes;
        content_sha256 := v_object.content_sha256;
    else
        -- What an attempt before may still hold is worth nothing from here on.
        delete from storage.access_grants as g where g.object_id = v_object.id;
        select g.token into token from storage.create_grant(v_object.id, 'upload', 3600) as g;
    end if;
    return next;
end
$fn$;

alter function storage.create_job_upload(bigint, uuid, text, text, text, bigint) owner to app_definer;
revoke execute on function storage.create_job_upload(bigint, uuid, text, text, text, bigint) from public;
grant execute on function storage.create_job_upload(bigint, uuid, text, text, text, bigint) to app_worker;

comment on function storage.create_job_upload(bigint, uuid, text, text, text, bigint) is
    'Reserve <tenant>/<job>.<extension> in a bucket for the file a job makes, and get a token for storage.finish_upload, as the worker that '
    'holds the job; a job of the platform has the folder platform. Called again it gives a new token and ends the one before; once the file '
    'is uploaded it gives no token but size and hash. Errors: PT409 the lease is lost or the name taken, PT422 unknown bucket, wrong type, '
    'too large, malformed extension.';
