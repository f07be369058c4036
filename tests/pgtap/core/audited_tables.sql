-- R-X-44: what must be audited is, completely; and the first thing each table records is what was done to it.
begin;

select plan(9);

select set_has(
    $$ select entity_type from core.audited_tables where is_complete $$,
    $$ values ('core.memberships'), ('core.subscriptions'), ('core.tenants'), ('core.users'),
              ('rental.contractors'), ('rental.tenancies'), ('rental.tenant_invites'), ('rental.tenants'), ('rental.tickets'), ('rental.units'),
              ('rental.user_profiles') $$,
    'customer data, payments, tickets and memberships are audited');
select is_empty(
    $$ select entity_type from core.audited_tables where not is_complete $$, 'no audited table has a column its triggers do not know');
select is_empty(
    $$ select a.attrelid::regclass, a.attname
         from pg_attribute as a
         join core.audited_tables as t on core.audit_entity_type(a.attrelid) = t.entity_type
        where a.attnum > 0
          and a.attname ~ '(secret|password|token|hash|ciphertext|encrypted|auth_subject)'
          and a.attname <> all (t.redacted) $$,
    'what looks like a secret is redacted');

select tests.landlord('north');
select tests.renter('north', 'rita');
insert into rental.tenant_invites (owner_user_id, id, tenant_id, email, token_hash)
values (tests.id('north'), tests.id('invite'), tests.id('north/rita'), 'rita@example.test', 'deadbeef');
update rental.tenant_invites set token_hash = 'cafebabe' where id = tests.id('invite');
delete from rental.tenant_invites where id = tests.id('invite');
select results_eq(
    $$ select action, old_values ->> 'token_hash', new_values ->> 'token_hash' from core.audit_log where entity_type = 'rental.tenant_invites' order by id $$,
    $$ values ('insert', null, '[redacted]'), ('update', '[redacted]', '[redacted]'), ('delete', '[redacted]', null) $$,
    'the hash of an invite never reaches the log');
select is_empty(
    $$ select from core.audit_log as l where l::text ~ 'deadbeef|cafebabe|subject-' $$, 'nor does it, or an identity provider''s subject, in any column');

-- a person's role is the landlord's and the renter's own business
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select s.row ->> 'entity_type', s.row ->> 'action' from core.audit_search('rental.tenants') as s $$, $$ values ('rental.tenants', 'insert') $$,
    'a landlord reads who was added');
update rental.tenants set phone = '+15550100' where id = tests.id('north/rita');
select is(
    (select s.row -> 'new_values' from core.audit_search('rental.tenants', p_limit => 1) as s), '{"phone": "+15550100"}', 'and what changed');
select is_empty($$ select from core.audit_search('core.users') $$, 'the history of a person is no tenant''s');
select tests.act_as_admin();
select isnt_empty($$ select from core.audit_log where entity_type = 'core.users' and tenant_id is null $$, 'though it is kept');

select * from finish();
rollback;
