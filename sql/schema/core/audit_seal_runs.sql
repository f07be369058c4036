-- core.audit_seal_runs: each run of core.seal_audit takes the transactions that ended since the one before it.
-- A timeline is a server whose transaction ids count on. On a restored server they start over, and entries are told apart by their ids,
-- which a dump carries along: those of a timeline come after its after_id.

create table core.audit_seal_runs (
    run               bigint not null,
    timeline          integer not null,
    system_identifier bigint not null,
    after_id          bigint not null,
    from_transaction  bigint not null,
    to_transaction    bigint not null,
    entry_count       bigint not null,
    previous_head     bytea not null,
    head              bytea not null,
    sealed_at         timestamptz not null default clock_timestamp(),

    constraint audit_seal_runs_pkey primary key (run),
    constraint audit_seal_runs_range_valid check (from_transaction <= to_transaction)
);

comment on table core.audit_seal_runs is 'What core.seal_audit has sealed, as one chain: each head is a hash over the run and the head before it.';
comment on column core.audit_seal_runs.system_identifier is 'Of the server it ran on; another one begins another timeline.';
comment on column core.audit_seal_runs.after_id is 'Entries up to this id belong to earlier timelines.';
comment on column core.audit_seal_runs.to_transaction is 'The first transaction id that was not sealed: every one below had ended.';
comment on column core.audit_seal_runs.head is 'Keep a copy of the newest one elsewhere: core.verify_audit compares it.';
