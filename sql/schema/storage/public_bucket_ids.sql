-- What the policy of storage.objects asks once per statement.

create function storage.public_bucket_ids() returns text[]
    language sql stable parallel safe
begin atomic
    select coalesce(array_agg(b.id), '{}') from storage.buckets as b where b.public;
end;

revoke execute on function storage.public_bucket_ids() from public;
grant execute on function storage.public_bucket_ids() to app_user, app_readonly, app_definer;

comment on function storage.public_bucket_ids() is 'The buckets everybody may read. Internal. Errors: none.';
