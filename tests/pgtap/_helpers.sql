-- Test helpers, loaded once into the template after the tree, the production seeds and pgTAP. A superuser runs this and the test files.
--
-- The idiom. A test file is `begin; select plan(n); … select * from finish(); rollback;` and has three kinds of lines:
--
--     arrange    as the superuser the file starts with, who passes row security:
--                    select tests.tenant('north', 'crm', 'ann'), tests.member('north', 'bob', 'MEMBER');
--                Names stand for rows; tests.id('north') is the uuid behind a name, the same in every run.
--     act        as a role and a person. The assertion itself runs as that role, pgTAP's temporary tables are open to all:
--                    select tests.act_as('app_user', 'bob', 'north');
--                    select results_eq($$ select … $$, $$ values (…) $$, 'bob sees …');
--                tests.act_as(role) alone gives that role without any context.
--     look       as the superuser again, to see what really happened:
--                    select tests.act_as_admin();
--
-- A denial stands next to its permitted twin. throws_ok(sql, code, message, description) compares code and message;
-- tests.error_of(sql) returns code, message, detail and hint as jsonb where two errors must be the same to the last byte.

create schema tests;

comment on schema tests is 'Helpers of the pgTAP files; exists in test databases only.';

grant usage on schema tests to public;

create function tests.id(p_name text) returns uuid
    language sql immutable parallel safe
return md5('tests.' || p_name)::uuid;

comment on function tests.id(text) is 'The uuid behind a name. Idempotent. Errors: none.';

create function tests.person(p_name text) returns uuid
    language plpgsql
as $fn$
begin
    insert into core.users (id, auth_subject, email, name)
    values (tests.id(p_name), 'subject-' || p_name, lower(p_name) || '@example.test', p_name)
    on conflict (id) do nothing;
    return tests.id(p_name);
end
$fn$;

comment on function tests.person(text) is 'A user of that name, <name>@example.test. Idempotent. Errors: none.';

create function tests.member(p_tenant text, p_person text, p_role text default 'member', p_status text default 'active') returns uuid
    language plpgsql
as $fn$
begin
    insert into core.memberships (tenant_id, user_id, role_key, status, joined_at)
    values (tests.id(p_tenant), tests.person(p_person), p_role, p_status, case when p_status <> 'invited' then now() end)
    on conflict (tenant_id, user_id) do update set role_key = excluded.role_key, status = excluded.status;
    return tests.id(p_person);
end
$fn$;

comment on function tests.member(text, text, text, text) is
    'Make a person (created when new) a member of a tenant, or change role and status. Idempotent. Errors: 23503 no such tenant.';

create function tests.tenant(p_name text, p_system text default 'crm', p_owner text default 'owner') returns uuid
    language plpgsql
as $fn$
begin
    if p_system = 'rental' and p_name <> p_owner then
        raise exception 'a landlord is its own tenant: give the tenant the owner''s name';
    end if;
    insert into core.tenants (id, system, slug, name, owner_user_id)
    values (tests.id(p_name), p_system, p_name, p_name, tests.person(p_owner))
    on conflict (id) do nothing;
    perform tests.member(p_name, p_owner, (
        select r.key from core.roles as r where r.system = p_system order by r.rank desc limit 1));
    return tests.id(p_name);
end
$fn$;

comment on function tests.tenant(text, text, text) is
    'A tenant with its owner, who gets the highest role of the system. In rental both have one name. Idempotent. Errors: none.';

create function tests.act_as(p_role text, p_person text default null, p_tenant text default null) returns void
    language plpgsql
as $fn$
begin
    -- The context is set by the superuser, so the same test runs in every isolation mode.
    perform set_config('role', 'none', true);
    perform core.clear_context();
    if p_person is not null then
        perform core.set_context(tests.id(p_person), tests.id(p_tenant));
    end if;
    perform set_config('role', p_role, true);
end
$fn$;

comment on function tests.act_as(text, text, text) is
    'Go on as a role, with the context of a person in a tenant (of a person alone, of nobody) until the next change or the end of the '
    'transaction. Errors: those of core.set_context.';

create function tests.act_as_admin() returns void
    language plpgsql
as $fn$
begin
    perform set_config('role', 'none', true);
    perform core.clear_context();
end
$fn$;

comment on function tests.act_as_admin() is 'Go on as the superuser of the session, without context. Errors: none.';

create function tests.error_of(p_sql text) returns jsonb
    language plpgsql
as $fn$
declare
    v_message text;
    v_detail  text;
    v_hint    text;
begin
    execute p_sql;
    return null;
exception
    when others then
        get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
        return jsonb_build_object('code', sqlstate, 'message', v_message, 'detail', v_detail, 'hint', v_hint);
end
$fn$;

comment on function tests.error_of(text) is
    'Run a statement as the current role and return its error as {code, message, detail, hint}, null when there is none. Errors: none.';
