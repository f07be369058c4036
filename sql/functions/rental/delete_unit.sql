-- rental.delete_unit: the landlord removes a unit that never had a tenancy.

create or replace function rental.delete_unit(p_unit_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    -- Renters and tickets lose the reference; a tenancy keeps its unit, and its foreign key refuses.
    delete from rental.units as u
     where u.id = p_unit_id;

    -- The delete is its own check: held by authorize_unit beforehand, two deletes of one unit would deadlock.
    if not found then
        perform rental.authorize_unit(p_unit_id);
    end if;
exception
    -- PostgreSQL 18 tells RESTRICT from other foreign keys.
    when foreign_key_violation or restrict_violation then
        perform core.raise_error('PT409', 'conflict', 'The unit has tenancies.');
end
$fn$;

revoke execute on function rental.delete_unit(uuid) from public;
grant execute on function rental.delete_unit(uuid) to app_user;

comment on function rental.delete_unit(uuid) is
    'Delete an own unit without tenancies. Not idempotent: a second call finds no unit. Errors: PT401 not signed in, PT403 '
    'no such unit or not yours, PT409 a tenancy references it.';
