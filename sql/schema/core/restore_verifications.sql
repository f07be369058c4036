-- core.restore_verifications: backups that were restored for a test, and whether what came back was what had been saved.

create table core.restore_verifications (
    id          bigint generated always as identity,
    backup_id   bigint,
    verified_at timestamptz not null default now(),
    ok          boolean not null,
    row_counts  jsonb not null default '{}',
    mismatches  jsonb not null default '[]',

    constraint restore_verifications_pkey primary key (id),
    constraint restore_verifications_backup_id_fkey foreign key (backup_id) references core.backup_runs (id) on delete set null
);

-- ON DELETE SET NULL of a backup
create index restore_verifications_backup_id_idx on core.restore_verifications (backup_id);

comment on table core.restore_verifications is 'Tests of backups by restoring them, see dbkit restore-verify.';
comment on column core.restore_verifications.row_counts is 'Rows per table that came back.';
comment on column core.restore_verifications.mismatches is 'What differed from the database at the time of the backup; empty when ok.';
