-- The limits of a bucket hold for every way in: a reservation, a direct insert, and the size an upload turned out to have.

create or replace function storage.tg_check_object() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_bucket storage.buckets;
begin
    select b.* into v_bucket from storage.buckets as b where b.id = new.bucket_id;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such bucket.', '{"bucket": "unknown"}');
    elsif new.size_bytes > v_bucket.file_size_limit then
        perform core.raise_error('PT422', 'invalid', 'The file is larger than its bucket accepts.',
                                 jsonb_build_object('size', 'at most ' || v_bucket.file_size_limit || ' bytes')::text);
    end if;

    -- A type with parameters or in capitals could slip past a comparison.
    new.mime_type := lower(new.mime_type);
    if new.mime_type !~ '^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$'
       -- an image that can carry script
       or new.mime_type ~ '^image/svg'
       or not (new.mime_type = any (v_bucket.allowed_mime_types) or split_part(new.mime_type, '/', 1) || '/*' = any (v_bucket.allowed_mime_types)) then
        perform core.raise_error('PT422', 'invalid', 'The bucket does not accept files of this type.',
                                 jsonb_build_object('mime', 'one of ' || array_to_string(v_bucket.allowed_mime_types, ', ') || ', not image/svg+xml')::text);
    end if;
    return new;
end
$fn$;

revoke execute on function storage.tg_check_object() from public;

comment on function storage.tg_check_object() is
    'Trigger BEFORE INSERT OR UPDATE: size and type as the bucket accepts them, the type in lower case. Errors: PT422 too large, wrong '
    'type, no such bucket.';
