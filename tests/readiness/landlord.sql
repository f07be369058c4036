-- The landlord platform at the size it was promised for: 100 landlords with 1,000 units each, 4,000 renters, 20,000
-- tickets. Ids follow from numbers, so that a check can name a landlord's row.
insert into core.users (id, email, name)
select md5('landlord' || n)::uuid, 'landlord' || n || '@example.com', 'Landlord ' || n
  from generate_series(1, 100) as n;
insert into core.tenants (id, system, name, owner_user_id)
select id, 'rental', name, id
  from core.users;
insert into core.memberships (tenant_id, user_id, role_key)
select id, id, 'OWNER'
  from core.users;
insert into rental.user_profiles (user_id, role, onboarding_step, onboarding_completed)
select id, 'OWNER', 'done', true
  from core.users;
-- Rows come in any order, as they do over the years.
insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
select md5('landlord' || n)::uuid, md5('unit' || n || '-' || u)::uuid, 'Unit ' || lpad(u::text, 5, '0'),
       u || ' Main St', 'City ' || u % 50, 'ST', lpad((u % 1000)::text, 5, '0')
  from generate_series(1, 100) as n, generate_series(1, 1000) as u
 order by random();
insert into rental.tenants (owner_user_id, id, first_name, last_name, email, unit_id)
select md5('landlord' || n)::uuid, md5('renter' || n || '-' || r)::uuid, 'First ' || r, 'Last ' || r,
       format('r%s-%s@example.com', n, r), md5('unit' || n || '-' || r)::uuid
  from generate_series(1, 100) as n, generate_series(1, 40) as r;
insert into rental.tickets (owner_user_id, id, unit_id, title, status, created_at)
select md5('landlord' || n)::uuid, md5('ticket' || n || '-' || t)::uuid, md5('unit' || n || '-' || 1 + t % 1000)::uuid,
       'Ticket ' || t, (array['OPEN', 'IN_PROGRESS', 'WAITING', 'RESOLVED', 'CLOSED'])[1 + t % 5],
       timestamptz '2026-01-01' + t * interval '1 minute'
  from generate_series(1, 100) as n, generate_series(1, 200) as t
 order by random();
-- Each landlord's first renter has a lease; the second is invited, under the landlord's own address.
insert into rental.tenancies (owner_user_id, id, unit_id, tenant_id, start_date)
select md5('landlord' || n)::uuid, md5('tenancy' || n)::uuid, md5('unit' || n || '-1')::uuid,
       md5('renter' || n || '-1')::uuid, current_date - 30
  from generate_series(1, 100) as n;
insert into rental.tenant_invites (owner_user_id, id, tenant_id, email, token_hash)
select md5('landlord' || n)::uuid, md5('invite' || n)::uuid, md5('renter' || n || '-2')::uuid, 'landlord' || n || '@example.com',
       encode(sha256(convert_to('token' || n, 'UTF8')), 'hex')
  from generate_series(1, 100) as n;
