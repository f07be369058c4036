-- rental.import_text: one field of an imported row.

create or replace function rental.import_text(p_row jsonb, p_key text, p_required boolean default false) returns text
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    -- A spreadsheet writes an absent value as an empty one.
    v_value text := nullif(btrim(p_row ->> p_key), '');
begin
    if jsonb_typeof(p_row -> p_key) in ('object', 'array') then
        perform core.raise_error('PT422', 'invalid', format('%s must be text.', p_key));
    elsif p_required and v_value is null then
        perform core.raise_error('PT422', 'invalid', format('%s is missing.', p_key));
    end if;
    return v_value;
end
$fn$;

revoke execute on function rental.import_text(jsonb, text, boolean) from public;
grant execute on function rental.import_text(jsonb, text, boolean) to app_user;

comment on function rental.import_text(jsonb, text, boolean) is
    'The trimmed text of a field of an imported row, null when empty or absent. Reads nothing. Errors: PT422 no text, or required and empty.';
