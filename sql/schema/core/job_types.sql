-- core.job_types: what a job may be, what its payload must name and how often it is tried.

create table core.job_types (
    job_type         text not null,
    class            text not null,
    default_priority integer not null default 0,
    max_retries      integer not null default 3,
    backoff_minutes  integer[] not null default '{1,5,15}',
    lease_seconds    integer not null default 60,
    required_keys    text[] not null default '{}',
    expected_ms      integer,
    is_internal      boolean not null default false,

    constraint job_types_pkey primary key (job_type),
    constraint job_types_job_type_valid check (job_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint job_types_class_valid check (class in ('immediate', 'scheduled', 'background')),
    constraint job_types_max_retries_valid check (max_retries between 0 and 20),
    constraint job_types_backoff_minutes_valid check (cardinality(backoff_minutes) > 0 and 0 <= all (backoff_minutes)),
    constraint job_types_lease_seconds_positive check (lease_seconds > 0),
    constraint job_types_expected_ms_positive check (expected_ms > 0)
);

comment on table core.job_types is 'Types of background jobs: class, retries, backoff, lease and the payload keys core.enqueue insists on.';
comment on column core.job_types.backoff_minutes is 'Minutes before the first, second, … retry; the last one repeats.';
comment on column core.job_types.lease_seconds is 'How long a worker may be silent before its jobs are given to another.';
comment on column core.job_types.required_keys is 'Top-level keys a payload must have, checked at enqueue.';
comment on column core.job_types.is_internal is
    'Queued by functions of the database alone, which know what they ask for: core.enqueue refuses the type.';
