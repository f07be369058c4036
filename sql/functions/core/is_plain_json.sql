-- jsonb takes thousands of levels, and numbers of 131,072 digits in a dozen bytes. Many readers of JSON stop with an error at either, and
-- a worker that cannot read one job cannot read the batch it came in. What is small cannot be long either, and is not written out to see.
-- STABLE as pg_column_size() is, or it would not be inlined.

create or replace function core.is_plain_json(p_value jsonb) returns boolean
    language sql stable parallel safe
return not jsonb_path_exists(p_value, 'strict $.**{100}')
   and not jsonb_path_exists(p_value, 'strict $.** ? (@ > 1e308 || @ < -1e308)')
   and (pg_column_size(p_value || '{}') <= 2000 or octet_length(p_value::text) <= 1048576);

revoke execute on function core.is_plain_json(jsonb) from public;
grant execute on function core.is_plain_json(jsonb) to app_definer;

comment on function core.is_plain_json(jsonb) is
    'Whether any reader of JSON can read a document: fewer than 100 levels, numbers up to 1e308, as text not over 1 MB. Internal. Errors: '
    '54000 as text it has over 1 GB.';
