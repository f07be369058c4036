-- quote_ident() leaves words alone that are reserved in PL/pgSQL only. There they end an expression, and a field of a record is not found.

create or replace function core.audit_name(p_column text) returns text
    language sql immutable parallel safe
return case when p_column in ('begin', 'by', 'declare', 'execute', 'foreach', 'if', 'loop', 'strict', 'while') then '"' || p_column || '"'
            else quote_ident(p_column) end;

revoke execute on function core.audit_name(text) from public;

comment on function core.audit_name(text) is
    'A column as it is written behind a record of PL/pgSQL, for core.audit_trigger_sql. Internal. Errors: none.';
