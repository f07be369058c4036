-- core.rate_limit_policies: how many requests of one subject in how long, and what happens when the limiter itself cannot answer.

-- dbkit: allow table_without_timestamps because reference rows come with seeds and migrations, which have their history
create table core.rate_limit_policies (
    name           text not null,
    subject_kind   text not null,
    max_requests   integer not null,
    window_seconds integer not null,
    fail_mode      text not null default 'open',
    algorithm      text not null default 'exact',

    constraint rate_limit_policies_pkey primary key (name),
    constraint rate_limit_policies_name_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint rate_limit_policies_subject_kind_valid check (subject_kind in ('user', 'ip', 'global')),
    constraint rate_limit_policies_max_requests_positive check (max_requests > 0),
    constraint rate_limit_policies_window_seconds_positive check (window_seconds > 0),
    constraint rate_limit_policies_fail_mode_valid check (fail_mode in ('open', 'closed')),
    constraint rate_limit_policies_algorithm_valid check (algorithm in ('exact', 'gcra')),
    -- an exact window keeps every time in it: 8 bytes each, in one row a key
    constraint rate_limit_policies_exact_fits_a_page check (algorithm = 'gcra' or max_requests <= 1000)
);

comment on table core.rate_limit_policies is 'Limits core.rate_limit enforces: max_requests of one subject in any window_seconds.';
comment on column core.rate_limit_policies.subject_kind is
    'Whom a request counts for when no key is given: user (else address), ip (address, else user), global (all together).';
comment on column core.rate_limit_policies.fail_mode is
    'When the limiter cannot answer within 50 ms: open lets the request pass with a notice, closed refuses it.';
comment on column core.rate_limit_policies.algorithm is
    'exact: the times of the requests in a sliding window. gcra: one time, requests drain evenly over the window.';
