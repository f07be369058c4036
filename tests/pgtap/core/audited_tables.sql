-- R-X-44: what must be audited is, completely; and the first thing each table records is what was done to it.
begin;

select plan(11);

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
    $$ select action::text, old_values ->> 'token_hash', new_values ->> 'token_hash' from core.audit_log where entity_type = 'rental.tenant_invites' order by id $$,
    $$ values ('insert', null, '[redacted]'), ('update', '[redacted]', '[redacted]'), ('delete', '[redacted]', null) $$,
    'the hash of an invite never reaches the log');
select is_empty(
    $$ select from core.audit_log as l where l::text ~ 'deadbeef|cafebabe|subject-' $$, 'nor does it, or an identity provider''s subject, in any column');

-- every table, every command: R-X-43
savepoint before;
select tests.unit('north', 'loft'), tests.tenancy('north', 'loft', 'rita', '2026-01-01'), tests.ticket('north', 'tap', 'loft', 'rita');
insert into rental.contractors (owner_user_id, id, name) values (tests.id('north'), tests.id('plumber'), 'plumber');
insert into core.subscriptions (tenant_id, system, tier_key) values (tests.tenant('firm', 'crm', 'fay'), 'crm', 'FREE');
update rental.units set city = 'Elsewhere' where owner_user_id = tests.id('north');
update rental.tenants set last_name = 'Other' where owner_user_id = tests.id('north');
update rental.tenancies set rent_amount = 900 where owner_user_id = tests.id('north');
update rental.tickets set status = 'WAITING' where owner_user_id = tests.id('north');
update rental.contractors set trade = 'pipes' where owner_user_id = tests.id('north');
update rental.user_profiles set company_name = 'Other Homes' where user_id = tests.id('north');
update core.subscriptions set status = 'active' where tenant_id = tests.id('firm');
update core.memberships set status = 'suspended' where tenant_id = tests.id('firm');
update core.tenants set timezone = 'Europe/Rome' where id = tests.id('firm');
update core.users set name = 'Fay' where id = tests.id('fay');
delete from rental.tickets where owner_user_id = tests.id('north');
delete from rental.tenancies where owner_user_id = tests.id('north');
delete from rental.tenants where owner_user_id = tests.id('north');
delete from rental.units where owner_user_id = tests.id('north');
delete from rental.contractors where owner_user_id = tests.id('north');
delete from rental.user_profiles where user_id = tests.id('north');
delete from core.tenants where id = tests.id('firm');
delete from core.users where id = tests.id('fay');
select results_eq(
    $$ select entity_type collate "default", string_agg(distinct action, ',' order by action) from core.audit_log group by 1 order by 1 $$,
    $$ select entity_type, 'delete,insert,update' from core.audited_tables order by 1 $$,
    'every audited table records inserts, updates and deletes');
select is_empty(
    $$ select l.entity_type, l.action from core.audit_log as l
        where l.tenant_id is null and l.entity_type <> 'core.users'
           or (l.old_values is null) <> (l.action = 'insert') or (l.new_values is null) <> (l.action = 'delete')
           or (l.changed_columns is null) <> (l.action <> 'update') $$,
    'with its tenant, the values before and after, and the changed columns of an update');
rollback to before;

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
