-- Reference rows every installation needs. Idempotent: running it again restores names, ranks and assignments, and removes nothing.

-- A secret per database, made here so that the first request need not.
select core.ensure_context_key();

insert into core.permissions (key, description)
values
    ('audit.view',       'Read the audit log.'),
    ('contacts:write',   'Create and change contacts.'),
    ('jobs_queue.view',  'See the tenant''s background jobs.'),
    ('properties:write', 'Create and change properties.'),
    ('team.manage',      'Invite, change and remove members.'),
    ('tenant.delete',    'Delete the tenant.'),
    ('tenant.manage',    'Change name, handle and time zone of the tenant.')
on conflict (key) do update
   set description = excluded.description
 where core.permissions.description is distinct from excluded.description;

insert into core.roles (system, key, name, rank)
values
    ('realty', 'agent',        'Agent',         10),
    ('realty', 'manager',      'Manager',       30),
    ('realty', 'owner',        'Owner',         40),
    ('rental', 'TENANT',       'Tenant',        10),
    ('rental', 'ADMIN',        'Administrator', 30),
    ('rental', 'OWNER',        'Owner',         40),
    ('crm',    'VIEWER',       'Viewer',        10),
    ('crm',    'MEMBER',       'Member',        20),
    ('crm',    'ADMIN',        'Administrator', 30),
    ('crm',    'OWNER',        'Owner',         40),
    ('clinic', 'viewer',       'Viewer',        10),
    ('clinic', 'receptionist', 'Receptionist',  20),
    ('clinic', 'veterinarian', 'Veterinarian',  30),
    ('clinic', 'admin',        'Administrator', 40),
    ('field',  'technician',   'Technician',    10),
    ('field',  'member',       'Member',        20),
    ('field',  'dispatcher',   'Dispatcher',    25),
    ('field',  'admin',        'Administrator', 30),
    ('field',  'owner',        'Owner',         40)
on conflict (system, key) do update
   set name = excluded.name,
       rank = excluded.rank
 where (core.roles.name, core.roles.rank) is distinct from (excluded.name, excluded.rank);

insert into core.role_permissions (system, role_key, permission_key)
select role.system, role.key, permission.key
  from (values
    ('realty', 'manager', false), ('realty', 'owner', true),
    ('rental', 'ADMIN',   false), ('rental', 'OWNER', true),
    ('crm',    'ADMIN',   false), ('crm',    'OWNER', true),
    ('clinic', 'admin',   true),
    ('field',  'admin',   false), ('field',  'owner', true)
  ) as role (system, key, is_top)
  join (values
    ('audit.view', false), ('jobs_queue.view', false), ('team.manage', false), ('tenant.manage', false), ('tenant.delete', true)
  ) as permission (key, is_for_top_only)
    on role.is_top or not permission.is_for_top_only
 union all
select 'crm', role.key, 'contacts:write' from (values ('MEMBER'), ('ADMIN'), ('OWNER')) as role (key)
 union all
select 'realty', role.key, 'properties:write' from (values ('agent'), ('manager'), ('owner')) as role (key)
on conflict do nothing;

insert into core.subscription_tiers (system, key, name, rank)
values
    ('crm',    'FREE',        'Free',        0),
    ('crm',    'STARTER',     'Starter',     10),
    ('crm',    'PRO',         'Pro',         20),
    ('crm',    'ENTERPRISE',  'Enterprise',  30),
    ('clinic', 'PROFESIONAL', 'Profesional', 10),
    ('clinic', 'CLINICA',     'Clínica',     20),
    ('clinic', 'EMPRESA',     'Empresa',     30)
on conflict (system, key) do update
   set name = excluded.name,
       rank = excluded.rank
 where (core.subscription_tiers.name, core.subscription_tiers.rank) is distinct from (excluded.name, excluded.rank);

insert into core.features (key, description)
values
    ('crm',          'Contacts, deals and tasks.'),
    ('transactions', 'Transaction loops.')
on conflict (key) do update
   set description = excluded.description
 where core.features.description is distinct from excluded.description;

insert into core.tier_features (system, tier_key, feature_key)
select 'crm', tier.key, feature.key
  from (values ('STARTER'), ('PRO'), ('ENTERPRISE')) as tier (key)
 cross join (values ('crm'), ('transactions')) as feature (key)
on conflict do nothing;
