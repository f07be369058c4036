-- core.backup_runs: which backups were taken of this database, by dbkit backup or by whatever else reports them.

create table core.backup_runs (
    id            bigint generated always as identity,
    kind          text not null,
    location_hash text,
    size_bytes    bigint,
    started_at    timestamptz not null,
    finished_at   timestamptz,
    ok            boolean,

    constraint backup_runs_pkey primary key (id),
    constraint backup_runs_kind_valid check (kind in ('dump', 'basebackup', 'wal')),
    constraint backup_runs_size_bytes_valid check (size_bytes >= 0)
);

-- the last backup that succeeded: alerts, dbkit deploy-check
create index backup_runs_finished_idx on core.backup_runs (kind, finished_at) where ok;

comment on table core.backup_runs is 'Backups of this database, those that failed too.';
comment on column core.backup_runs.location_hash is 'SHA-256 of where the backup is: tells places apart without telling where.';
comment on column core.backup_runs.ok is 'Null while it runs.';
