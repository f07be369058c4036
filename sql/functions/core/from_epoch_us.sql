create or replace function core.from_epoch_us(p_us bigint) returns timestamptz
    language sql immutable parallel safe
return to_timestamp(p_us::double precision / 1000000 + 946684800);

revoke execute on function core.from_epoch_us(bigint) from public;
grant execute on function core.from_epoch_us(bigint) to app_definer;

comment on function core.from_epoch_us(bigint) is 'The time that core.epoch_us counts so many microseconds for. Errors: none.';
