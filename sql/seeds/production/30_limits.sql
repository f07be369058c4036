-- Limits and cache policies every installation needs. Idempotent: adds what is missing; figures an operator has tuned stay.

insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds, fail_mode, algorithm)
values
    ('user',         'user', 100, 60, 'open', 'exact'),
    ('ip',           'ip',    20, 60, 'open', 'exact'),
    ('strict',       'user',   5, 60, 'closed', 'exact'),
    ('landlord_api', 'user',  60, 60, 'open', 'exact'),
    -- calls that send invitations or import, by rental
    ('invites',      'user',  60, 60, 'open', 'exact'),
    -- tokens to read and upload files, by storage: a page may show many pictures
    ('signed_urls',  'user', 600, 60, 'open', 'gcra'),
    -- failures of one address, counted by core.record_login
    ('login',        'global', 5, 900, 'closed', 'exact')
on conflict (name) do nothing;

-- Tables of modules that are not installed cost nothing; with the module their triggers are due, see core.cache_unguarded().
insert into core.cache_policies (name, priority, ttl_seconds, tag, source_tables, varies_by, is_internal, description)
values
    ('pricebook',        'P0', 3600,  'pricebook',        '{field.price_book_items}', 'tenant', false, 'Price book.'),
    ('company_settings', 'P0', 86400, 'company_settings', '{field.company_settings}', 'tenant', false, 'Settings of the company.'),
    ('permissions',      'P0', 900,   'permissions',      '{core.memberships,field.custom_roles,field.team_members}', 'user', false,
     'What a member may do, for showing it: decisions ask core.has_permission.'),
    ('labor_rates',      'P0', 3600,  'labor_rates',      '{field.labor_rates}',      'role',   false, 'Labor rates, as far as a role sees them.'),
    ('service_packages', 'P0', 3600,  'service_packages', '{field.service_packages}', 'tenant', false, 'Service packages.'),
    ('customers',        'P1', 300,   'customers',        '{field.customers}',        'tenant', false, 'Customer lists.'),
    ('equipment',        'P1', 600,   'equipment',        '{field.equipment}',        'tenant', false, 'Equipment of customers.'),
    ('tags',             'P1', 3600,  'tags',             '{field.tags}',             'tenant', false, 'Tags.'),
    ('inventory',        'P1', 300,   'inventory',        '{field.inventory}',        'tenant', false, 'Stock.'),
    ('team_members',     'P1', 900,   'team_members',     '{field.team_members}',     'tenant', false, 'Team.'),
    ('sessions',         'P1', 3600,  'session',          '{core.users}',             'person', false, 'What a request needs of the signed-in person.'),
    ('user_roles',       'P1', 300,   'role',             '{rental.user_profiles,rental.units,rental.tenants}', 'person', true, 'rental.get_user_roles.'),
    ('dashboard_kpis',   'P2', 300,   'kpis',             '{field.company_kpis}',     'tenant', false, 'Figures of the dashboard.'),
    ('job_stats',        'P2', 300,   'job_stats',        '{field.jobs}',             'tenant', false, 'Figures of jobs.'),
    ('invoice_stats',    'P2', 600,   'invoice_stats',    '{field.invoices}',         'tenant', false, 'Figures of invoices.'),
    ('reports',          'P2', 3600,  'reports',          '{}',                       'role',   false, 'Reports as of the time they were made.'),
    ('schedule',         'NEVER', null, null, '{}', 'tenant', false, 'Dispatchers act on it at once.'),
    ('job_status',       'NEVER', null, null, '{}', 'tenant', false, 'Dispatchers act on it at once.'),
    ('payments',         'NEVER', null, null, '{}', 'tenant', false, 'Money.'),
    ('audit_logs',       'NEVER', null, null, '{}', 'tenant', false, 'Evidence.'),
    ('auth_tokens',      'NEVER', null, null, '{}', 'tenant', false, 'Secrets.')
on conflict (name) do nothing;
