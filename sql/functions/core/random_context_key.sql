-- gen_random_uuid draws from the server's strong random source; two of them give each of the four blocks 244 bits.

create or replace function core.random_context_key() returns bytea
    language sql volatile
begin atomic
    select string_agg(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), ''::bytea)
      from generate_series(1, 4) as block (n);
end;

alter function core.random_context_key() owner to app_definer;
revoke execute on function core.random_context_key() from public;

comment on function core.random_context_key() is
    'A fresh 128-byte secret for core.context_keys. Internal. Another with each call. Errors: none.';
