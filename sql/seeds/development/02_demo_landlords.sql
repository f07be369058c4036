-- A landlord platform to look at: 100 landlords, 1,000 units, 4,000 renters, 20,000 tickets.
-- Run as app_definer, in one transaction. Every id and every value is computed from a row number, so that each run gives the same rows and a
-- second run adds none. Addresses are under example.com, phone numbers in ranges reserved for fiction.

-- The day the data was "taken": a fixed one, or a rerun would give other rows.
create temporary table demo_settings on commit drop as
select timestamptz '2026-06-30 18:00:00+00' as taken_at;

-- Numbers 1 to n as a table of their own, each with five fractions from 0 to 1 that look like chance.
create temporary table demo_numbers on commit drop as
select n,
       ('x' || substr(h, 1, 6))::bit(24)::integer / 16777216.0::double precision as r1,
       ('x' || substr(h, 7, 6))::bit(24)::integer / 16777216.0::double precision as r2,
       ('x' || substr(h, 13, 6))::bit(24)::integer / 16777216.0::double precision as r3,
       ('x' || substr(h, 19, 6))::bit(24)::integer / 16777216.0::double precision as r4,
       ('x' || substr(h, 25, 6))::bit(24)::integer / 16777216.0::double precision as r5
  from generate_series(1, 20000) as n,
       md5('demo ' || n) as h;

create temporary table demo_words on commit drop as
select array['Ada', 'Amir', 'Ana', 'Anton', 'Aylin', 'Ben', 'Bruno', 'Carla', 'Chen', 'Clara', 'Daniel', 'Dina', 'Elif',
             'Emil', 'Emma', 'Farah', 'Felix', 'Grace', 'Hana', 'Hugo', 'Ida', 'Igor', 'Ines', 'Ivan', 'Jana', 'Jonas',
             'Julia', 'Kai', 'Kofi', 'Laila', 'Lea', 'Leon', 'Lina', 'Luca', 'Maria', 'Mateo', 'Mei', 'Mia', 'Milan',
             'Nadia', 'Nico', 'Nora', 'Omar', 'Oscar', 'Paula', 'Priya', 'Rafael', 'Rosa', 'Sam', 'Sara', 'Selin',
             'Simon', 'Sofia', 'Tariq', 'Thea', 'Tom', 'Vera', 'Victor', 'Yara', 'Yusuf', 'Zoe'] as first_names,
       array['Adler', 'Ahmed', 'Alvarez', 'Baker', 'Bauer', 'Becker', 'Berg', 'Brown', 'Castro', 'Chen', 'Cohen', 'Costa',
             'Diaz', 'Dubois', 'Evans', 'Fischer', 'Flores', 'Garcia', 'Gray', 'Haddad', 'Hall', 'Hansen', 'Hill', 'Ito',
             'Ivanov', 'Jansen', 'Jones', 'Kaya', 'Keller', 'Khan', 'Kim', 'Klein', 'Kowalski', 'Larsen', 'Lee', 'Lopez',
             'Martin', 'Meyer', 'Moreau', 'Morris', 'Nguyen', 'Novak', 'Okafor', 'Olsen', 'Ortiz', 'Park', 'Patel',
             'Peters', 'Petrov', 'Reed', 'Rossi', 'Ruiz', 'Sato', 'Schmidt', 'Silva', 'Singh', 'Smith', 'Soto', 'Tanaka',
             'Taylor', 'Toth', 'Vega', 'Wagner', 'Walker', 'Weber', 'Wong', 'Yilmaz'] as last_names,
       array['Properties', 'Homes', 'Lettings', 'Residential', 'Estates'] as company_words,
       array['Birch', 'Cedar', 'Chestnut', 'Church', 'Elm', 'Garden', 'Harbor', 'Hill', 'Lake', 'Linden', 'Maple', 'Mill',
             'Oak', 'Orchard', 'Park', 'River', 'Station', 'Sunset', 'Walnut', 'Willow'] as streets,
       array['Street', 'Avenue', 'Lane', 'Road'] as street_words,
       array['plumber', 'electrician', 'locksmith', 'heating engineer', 'carpenter', 'painter'] as trades;

-- A few cities hold most of the flats.
create temporary table demo_cities on commit drop as
select *
  from (values
      (1, 'Portland', 'OR', '972'), (2, 'Austin', 'TX', '787'), (3, 'Columbus', 'OH', '432'), (4, 'Madison', 'WI', '537'),
      (5, 'Raleigh', 'NC', '276'), (6, 'Boise', 'ID', '837'), (7, 'Tucson', 'AZ', '857'), (8, 'Albany', 'NY', '122')
  ) as c (n, city, state, zip);

create temporary table demo_problems on commit drop as
select *
  from (values
      (1, 'Kitchen tap drips', 1), (2, 'Toilet keeps running', 1), (3, 'Shower drain is blocked', 1),
      (4, 'Water under the sink', 1), (5, 'No hot water', 4), (6, 'Radiator stays cold', 4),
      (7, 'Heating fails at night', 4), (8, 'Thermostat shows an error', 4), (9, 'Socket in the bedroom is dead', 2),
      (10, 'Light in the hallway flickers', 2), (11, 'Fuse trips when the oven is on', 2), (12, 'Doorbell is silent', 2),
      (13, 'Front door does not lock', 3), (14, 'Key broke off in the lock', 3), (15, 'Mailbox lock is stuck', 3),
      (16, 'Window does not close', 5), (17, 'Cupboard door came off', 5), (18, 'Stair rail is loose', 5),
      (19, 'Mould on the bathroom ceiling', 6), (20, 'Paint peels in the living room', 6)
  ) as p (n, title, trade_no);

-- Landlords: users, their tenants, memberships and profiles. The last three are still in the sign-up wizard.
create temporary table demo_landlords on commit drop as
select k.n as landlord_no,
       md5('demo landlord ' || k.n)::uuid as user_id,
       w.first_names[1 + floor(k.r1 * cardinality(w.first_names))::integer] as first_name,
       w.last_names[1 + floor(k.r2 * cardinality(w.last_names))::integer] as last_name,
       w.company_words[1 + floor(k.r3 * cardinality(w.company_words))::integer] as company_word,
       s.taken_at - interval '4 years' + k.r4 * interval '1 year' as joined_at
  from demo_numbers as k, demo_words as w, demo_settings as s
 where k.n <= 100;

insert into core.users (id, auth_subject, email, name, created_at, updated_at)
select l.user_id,
       'demo|landlord-' || l.landlord_no,
       lower(l.first_name || '.' || l.last_name || '.' || l.landlord_no || '@landlords.example.com'),
       l.first_name || ' ' || l.last_name,
       l.joined_at,
       l.joined_at
  from demo_landlords as l
on conflict do nothing;

insert into core.tenants (id, system, slug, name, owner_user_id, created_at, updated_at)
select l.user_id,
       'rental',
       lower(l.last_name) || '-' || lower(l.company_word) || '-' || l.landlord_no,
       l.last_name || ' ' || l.company_word,
       l.user_id,
       l.joined_at,
       l.joined_at
  from demo_landlords as l
on conflict do nothing;

insert into core.memberships (tenant_id, user_id, role_key, status, joined_at, created_at, updated_at)
select l.user_id, l.user_id, 'OWNER', 'active', l.joined_at, l.joined_at, l.joined_at
  from demo_landlords as l
on conflict do nothing;

insert into rental.user_profiles (user_id, role, company_name, onboarding_step, onboarding_completed, created_at, updated_at)
select l.user_id,
       'OWNER',
       l.last_name || ' ' || l.company_word,
       case when l.landlord_no <= 97 then 'done' else 'first_property' end,
       l.landlord_no <= 97,
       l.joined_at,
       l.joined_at
  from demo_landlords as l
on conflict do nothing;

-- Contractors: one per trade in each landlord's address book.
insert into rental.contractors (owner_user_id, id, name, trade, phone, is_active, created_at, updated_at)
select l.user_id,
       md5('demo contractor ' || l.landlord_no || ' ' || t.trade_no)::uuid,
       w.last_names[1 + floor(k.r1 * cardinality(w.last_names))::integer] || ' & '
           || w.last_names[1 + floor(k.r2 * cardinality(w.last_names))::integer],
       t.trade,
       '+1' || (200 + floor(k.r3 * 700)::integer) || '55501' || lpad(floor(k.r4 * 100)::integer::text, 2, '0'),
       k.r4 < 0.95,
       l.joined_at,
       l.joined_at
  from demo_landlords as l
 cross join demo_words as w
 cross join unnest(w.trades) with ordinality as t (trade, trade_no)
  join demo_numbers as k
    on k.n = 1000 + (l.landlord_no - 1) * 6 + t.trade_no
on conflict do nothing;

-- Units: two for every landlord, the other 800 by a power law, so that the first landlord has about 170 and most have a handful.
create temporary table demo_units on commit drop as
select k.n as unit_no,
       md5('demo unit ' || k.n)::uuid as unit_id,
       l.landlord_no,
       l.user_id as owner_user_id,
       l.joined_at + k.r4 * interval '60 days' as created_at,
       k.r1, k.r2, k.r3, k.r4
  from demo_numbers as k
  join demo_landlords as l
    on l.landlord_no = case when k.n <= 200 then 1 + (k.n - 1) % 100
                            else 1 + floor(100 * power((k.n - 200.5) / 800.0, 3))::integer end
 where k.n <= 1000;

insert into rental.units
    (owner_user_id, id, name, address1, address2, city, state, postal_code, external_ref, created_at, updated_at)
select u.owner_user_id,
       u.unit_id,
       h.street || ' ' || h.house || '-' || h.flat,
       h.house || ' ' || h.street || ' ' || w.street_words[1 + floor(u.r2 * cardinality(w.street_words))::integer],
       'Apt ' || h.flat,
       c.city,
       c.state,
       c.zip || lpad(floor(u.r2 * 100)::integer::text, 2, '0'),
       'U-' || lpad(u.unit_no::text, 4, '0'),
       u.created_at,
       u.created_at
  from demo_units as u
 cross join demo_words as w
 cross join lateral (
     select w.streets[1 + floor(u.r1 * cardinality(w.streets))::integer] as street,
            1 + floor(u.r3 * 180)::integer as house,
            1 + floor(u.r4 * 12)::integer || chr(65 + u.unit_no % 4) as flat
 ) as h
  join demo_cities as c
    on c.n = 1 + floor(8 * power(u.r3, 2))::integer
on conflict do nothing;

-- Renters, four per unit: who holds the lease, who lives there too, and two who moved out. One unit in fourteen stands empty.
create temporary table demo_renters on commit drop as
select k.n as renter_no,
       md5('demo renter ' || k.n)::uuid as tenant_id,
       u.unit_no,
       u.unit_id,
       u.owner_user_id,
       case
           when k.n > 2000 then 'former'
           when u.unit_no % 14 = 0 then 'former'
           when k.n > 1000 then 'resident'
           else 'leaseholder'
       end as kind,
       w.first_names[1 + floor(k.r1 * cardinality(w.first_names))::integer] as first_name,
       w.last_names[1 + floor(k.r2 * cardinality(w.last_names))::integer] as last_name,
       -- Leases of a unit follow one another: renters 3001 to 4000 first, then 2001 to 3000, then 1 to 1000.
       case
           when k.n > 3000 then (s.taken_at - interval '40 months' + k.r3 * interval '3 months')::date
           when k.n > 2000 then (s.taken_at - interval '25 months' + k.r3 * interval '3 months')::date
           else (s.taken_at - interval '11 months' + k.r3 * interval '3 months')::date
       end as moved_in_on,
       case when k.r4 < 0.6 then md5('demo renter login ' || k.n)::uuid end as user_id,
       interval '6 months' + k.r4 * interval '4 months' as stay,
       k.r3, k.r4
  from demo_numbers as k
 cross join demo_words as w
 cross join demo_settings as s
  join demo_units as u
    on u.unit_no = 1 + (k.n - 1) % 1000
 where k.n <= 4000;

insert into core.users (id, auth_subject, email, name, created_at, updated_at)
select r.user_id,
       'demo|renter-' || r.renter_no,
       lower(r.first_name || '.' || r.last_name || '.' || r.renter_no || '@renters.example.com'),
       r.first_name || ' ' || r.last_name,
       r.moved_in_on,
       r.moved_in_on
  from demo_renters as r
 where r.user_id is not null
on conflict do nothing;

insert into rental.user_profiles (user_id, created_at, updated_at)
select r.user_id, r.moved_in_on, r.moved_in_on
  from demo_renters as r
 where r.user_id is not null
on conflict do nothing;

insert into rental.tenants
    (owner_user_id, id, first_name, last_name, email, phone, user_id, unit_id, created_at, updated_at)
select r.owner_user_id,
       r.tenant_id,
       r.first_name,
       r.last_name,
       lower(r.first_name || '.' || r.last_name || '.' || r.renter_no || '@renters.example.com'),
       case when r.r4 < 0.8
            then '+1' || (200 + floor(r.r3 * 700)::integer) || '55501' || lpad((r.renter_no % 100)::text, 2, '0') end,
       r.user_id,
       case when r.kind <> 'former' then r.unit_id end,
       r.moved_in_on,
       r.moved_in_on
  from demo_renters as r
on conflict do nothing;

-- Residents beside the leaseholder have no lease of their own.
insert into rental.tenancies
    (owner_user_id, id, unit_id, tenant_id, start_date, end_date, rent_amount, status, created_at, updated_at)
select r.owner_user_id,
       md5('demo tenancy ' || r.renter_no)::uuid,
       r.unit_id,
       r.tenant_id,
       r.moved_in_on,
       case when r.kind = 'former' then (r.moved_in_on + r.stay)::date end,
       (round((650 + 900 * u.r2 + 700 * power(u.r3, 4))::numeric / 5) * 5)::numeric(10,2),
       case when r.kind = 'former' then 'ENDED' else 'ACTIVE' end,
       r.moved_in_on - interval '20 days',
       r.moved_in_on - interval '20 days'
  from demo_renters as r
  join demo_units as u
    on u.unit_no = r.unit_no
 where r.renter_no not between 1001 and 2000
on conflict do nothing;

-- Whoever lives in a unit and has no login yet was invited.
insert into rental.tenant_invites
    (owner_user_id, id, tenant_id, unit_id, email, token_hash, expires_at, sent_at, created_at, updated_at)
select t.owner_user_id,
       md5('demo invite ' || r.renter_no)::uuid,
       t.id,
       t.unit_id,
       t.email,
       encode(sha256(convert_to('demo invite token ' || r.renter_no, 'UTF8')), 'hex'),
       s.taken_at + r.r4 * interval '14 days',
       s.taken_at - interval '1 day',
       s.taken_at - interval '1 day',
       s.taken_at - interval '1 day'
  from demo_renters as r
 cross join demo_settings as s
  join rental.tenants as t
    on t.owner_user_id = r.owner_user_id
   and t.id = r.tenant_id
 where r.kind <> 'former'
   and r.user_id is null
on conflict do nothing;

-- Tickets: some units have many, most tickets are recent, and what is older than two months is nearly always closed.
insert into rental.tickets
    (owner_user_id, id, unit_id, tenant_id, title, description, status, priority, contractor_id, created_at, updated_at)
select u.owner_user_id,
       md5('demo ticket ' || k.n)::uuid,
       u.unit_id,
       r.tenant_id,
       p.title,
       p.title || ' since ' || (array['yesterday', 'the weekend', 'last week', 'the storm'])[1 + k.n % 4] || '.',
       a.status,
       case when k.r3 < 0.15 then 'LOW' when k.r3 < 0.80 then 'NORMAL' when k.r3 < 0.96 then 'HIGH' else 'EMERGENCY' end,
       case when a.status <> 'OPEN' and k.r4 < 0.6
            then md5('demo contractor ' || u.landlord_no || ' ' || p.trade_no)::uuid end,
       s.taken_at - a.age,
       s.taken_at - a.age + case when a.status = 'OPEN' then interval '0' else least(a.age, a.took) end
  from demo_numbers as k
 cross join demo_settings as s
 cross join lateral (select power(k.r2, 2) * interval '1000 days' as age) as g
 cross join lateral (
     select g.age,
            -- What is urgent is mended in hours or days, some of the rest takes a month, and each problem has a pace of its own.
            case when k.r3 >= 0.80 then 0.25 else 1 end
                * (0.1 + 35 * power(k.r5 * 11 - floor(k.r5 * 11), 3) + 4 * (k.r4 * 7 - floor(k.r4 * 7))) * interval '1 day' as took,
            case
                when g.age > interval '60 days' then
                    case when k.r4 < 0.95 then 'CLOSED' when k.r4 < 0.99 then 'RESOLVED' else 'WAITING' end
                when k.r4 < 0.30 then 'OPEN'
                when k.r4 < 0.50 then 'IN_PROGRESS'
                when k.r4 < 0.60 then 'WAITING'
                when k.r4 < 0.75 then 'RESOLVED'
                else 'CLOSED'
            end as status
 ) as a
  join demo_units as u
    on u.unit_no = 1 + floor(1000 * power(k.r1, 1.3))::integer
  -- Whoever held the lease that day; in between, and one time in five, the landlord wrote it down.
  left join demo_renters as r
    on r.unit_no = u.unit_no
   and r.renter_no not between 1001 and 2000
   and k.r5 < 0.8
   and s.taken_at - a.age >= r.moved_in_on
   and (r.kind <> 'former' or s.taken_at - a.age < r.moved_in_on + r.stay)
  join demo_problems as p
    on p.n = 1 + floor(20 * power(k.r4 * 7 - floor(k.r4 * 7), 1.2))::integer
on conflict do nothing;
