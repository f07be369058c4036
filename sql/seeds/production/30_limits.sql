-- Limits and cache policies every installation needs. Idempotent: adds what is missing; figures an operator has tuned stay.

insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds, fail_mode)
values
    ('user',         'user', 100, 60, 'open'),
    ('ip',           'ip',    20, 60, 'open'),
    ('strict',       'user',   5, 60, 'closed'),
    ('landlord_api', 'user',  60, 60, 'open'),
    -- failures of one address, counted by core.record_login
    ('login',        'global', 5, 900, 'closed')
on conflict (name) do nothing;
