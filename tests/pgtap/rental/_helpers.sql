-- Rows of the rental module behind names, for the arrange lines of its tests; see ../_helpers.sql for the idiom.
-- tests.id(name) is the id of a landlord, of a unit, of a ticket (by title); a renter's row is tests.id('north/rita').

create function tests.landlord(p_name text) returns uuid
    language plpgsql
as $fn$
begin
    perform tests.tenant(p_name, 'rental', p_name);
    insert into rental.user_profiles (user_id, role, company_name, onboarding_step, onboarding_completed)
    values (tests.id(p_name), 'OWNER', p_name || ' Homes', 'done', true)
    on conflict (user_id) do nothing;
    return tests.id(p_name);
end
$fn$;

comment on function tests.landlord(text) is 'A landlord who has finished the sign-up wizard. Idempotent. Errors: none.';

create function tests.unit(p_landlord text, p_name text) returns uuid
    language plpgsql
as $fn$
begin
    insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
    values (tests.id(p_landlord), tests.id(p_name), p_name, '1 Main Street', 'Springfield', 'OR', '97477')
    on conflict (owner_user_id, id) do nothing;
    return tests.id(p_name);
end
$fn$;

comment on function tests.unit(text, text) is 'A unit of a landlord. Idempotent. Errors: 23503 no such landlord.';

create function tests.renter(p_landlord text, p_name text, p_unit text default null, p_has_login boolean default true) returns uuid
    language plpgsql
as $fn$
begin
    insert into rental.tenants (owner_user_id, id, first_name, last_name, email, user_id, unit_id)
    values (tests.id(p_landlord), tests.id(p_landlord || '/' || p_name), p_name, 'Renter', p_name || '@example.test',
            case when p_has_login then tests.person(p_name) end, tests.id(p_unit))
    on conflict (owner_user_id, id) do nothing;
    return tests.id(p_landlord || '/' || p_name);
end
$fn$;

comment on function tests.renter(text, text, text, boolean) is
    'A renter of a landlord, in a unit or in none, with a login of the same name or without. Idempotent. Errors: 23503 not the landlord''s unit.';

create function tests.tenancy(
    p_landlord text, p_unit text, p_renter text, p_start date, p_end date default null, p_status text default 'ACTIVE'
) returns uuid
    language plpgsql
as $fn$
declare
    v_id uuid := tests.id(p_unit || ' let to ' || p_renter);
begin
    insert into rental.tenancies (owner_user_id, id, unit_id, tenant_id, start_date, end_date, status)
    values (tests.id(p_landlord), v_id, tests.id(p_unit), tests.id(p_landlord || '/' || p_renter), p_start, p_end, p_status);
    return v_id;
end
$fn$;

comment on function tests.tenancy(text, text, text, date, date, text) is
    'A tenancy, with the id behind "<unit> let to <renter>". Errors: PT409 overlaps another, 23503 not the landlord''s.';

create function tests.ticket(
    p_landlord text, p_title text, p_unit text default null, p_renter text default null, p_created_at timestamptz default now()
) returns uuid
    language plpgsql
as $fn$
begin
    insert into rental.tickets (owner_user_id, id, unit_id, tenant_id, title, created_at)
    values (tests.id(p_landlord), tests.id(p_title), tests.id(p_unit), tests.id(p_landlord || '/' || p_renter), p_title, p_created_at);
    return tests.id(p_title);
end
$fn$;

comment on function tests.ticket(text, text, text, text, timestamptz) is
    'A ticket of a landlord, with the id behind its title. Errors: 23503 not the landlord''s.';

create function tests.plan_indexes(p_sql text) returns text[]
    language plpgsql
as $fn$
declare
    v_plan json;
begin
    execute 'explain (format json) ' || p_sql into v_plan;
    return array(
        select distinct node ->> 'Index Name'
          from jsonb_path_query(v_plan::jsonb, 'strict $.**') as node
         where jsonb_typeof(node) = 'object'
           and node ? 'Index Name'
         order by 1);
end
$fn$;

comment on function tests.plan_indexes(text) is 'The indexes in the plan of a query, as the current role. Errors: those of the query.';

create function tests.restrict_violation() returns character(5)
    language sql stable
return case when current_setting('server_version_num')::integer >= 180000 then '23001' else '23503' end;

comment on function tests.restrict_violation() is
    'The code of a delete that ON DELETE RESTRICT refuses: up to 17 that of every foreign key, since 18 one of its own. Errors: none.';
