-- rental.tg_tenancies_refuse_overlap: a unit has one active tenancy at a time.

create or replace function rental.tg_tenancies_refuse_overlap() returns trigger
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if new.status <> 'ACTIVE' then
        return new;
    end if;

    -- The second of two tenancies sees the first only with a snapshot taken after the wait below. Serializable
    -- transactions find out by themselves; repeatable read would let the unit twice.
    if current_setting('transaction_isolation') = 'repeatable read' then
        perform core.raise_error('PT409', 'conflict',
            'A unit is let in read committed or serializable transactions, not in repeatable read.');
    end if;

    -- Two tenancies of one unit queue here, so that the second sees the first.
    perform
      from rental.units as u
     where u.owner_user_id = new.owner_user_id
       and u.id = new.unit_id
       for no key update;

    if exists (
        select
          from rental.tenancies as l
         where l.owner_user_id = new.owner_user_id
           and l.unit_id = new.unit_id
           and l.id <> new.id
           and l.status = 'ACTIVE'
           and l.start_date <= coalesce(new.end_date, 'infinity')
           and coalesce(l.end_date, 'infinity') >= new.start_date)
    then
        perform core.raise_error('PT409', 'conflict', 'The unit has another active tenancy in this period.');
    end if;
    return new;
end
$fn$;

revoke execute on function rental.tg_tenancies_refuse_overlap() from public;

comment on function rental.tg_tenancies_refuse_overlap() is
    'Trigger: refuse an active tenancy that overlaps another of the same unit. Errors: PT409 it overlaps, or the '
    'transaction is repeatable read.';
