-- core.rate_limits: one row per policy and key. Unlogged: counts survive restarts of anything but a crashed server, and cost no WAL.
-- No foreign key to the policy: the check would lock, and log, the policy's row for every new key.
-- No index but the key: an update then stays on its page. Fixed widths come first: a refusal finds them without a walk through the row.
-- Keys are compared byte by byte: nobody sorts them, and a refusal compares a dozen on its way down the index.
-- Vacuum leaves the pages it has emptied. A table of one page is read as a whole by plans that connections keep for a while after it has
-- grown, and giving pages back takes a lock that every request would wait for.

create unlogged table core.rate_limits (
    max_requests   integer not null,
    updated_at     timestamptz not null,
    next_at        timestamptz,
    recorded_until timestamptz,
    tat            timestamptz,
    policy         text collate "C" not null,
    key            text collate "C" not null,
    hits           timestamptz[] not null default '{}',

    constraint rate_limits_pkey primary key (policy, key)
) with (fillfactor = 60, vacuum_truncate = false);

comment on table core.rate_limits is 'What core.rate_limit has counted, one row per policy and key.';
comment on column core.rate_limits.key is 'user:<id>, ip:<address>, global, or a caller''s key after its tenant, its user or anon.';
comment on column core.rate_limits.max_requests is 'The policy''s, here so that a refusal reads one row.';
comment on column core.rate_limits.next_at is 'While in the future, requests are refused.';
comment on column core.rate_limits.recorded_until is 'The next violation of the key is recorded after this.';
comment on column core.rate_limits.hits is 'Algorithm exact: times of the allowed requests, the oldest first, none before the window.';
comment on column core.rate_limits.tat is 'Algorithm gcra: when the requests so far have drained (theoretical arrival time).';
comment on column core.rate_limits.updated_at is 'The last allowed request.';
