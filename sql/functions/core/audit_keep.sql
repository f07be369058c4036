create or replace function core.audit_keep() returns interval
    language sql stable
begin atomic
    select s.value::interval from core.app_settings as s where s.key = 'audit.keep';
end;

alter function core.audit_keep() owner to app_definer;
revoke execute on function core.audit_keep() from public;
grant execute on function core.audit_keep() to app_owner;

comment on function core.audit_keep() is
    'How long audit entries are kept, from the setting audit.keep; null without one: for ever. Errors: 22007 the setting is no interval.';
