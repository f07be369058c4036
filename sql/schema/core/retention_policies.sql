-- core.retention_policies: how long rows are kept, and where they go. Written by seeds and migrations, carried out by core.apply_retention.

create table core.retention_policies (
    table_name    text not null,
    time_column   text not null,
    keep          interval not null,
    mode          text not null,
    archive_table text,
    predicate     text,
    batch_size    integer not null default 1000,

    constraint retention_policies_pkey primary key (table_name),
    -- qualified: what a bare name means depends on who asks
    constraint retention_policies_table_name_valid check (
        table_name ~ '^("([^"]|"")+"|[a-z_][a-z0-9_$]*)\.("([^"]|"")+"|[a-z_][a-z0-9_$]*)$'
    ),
    constraint retention_policies_archive_table_valid check (
        archive_table ~ '^("([^"]|"")+"|[a-z_][a-z0-9_$]*)\.("([^"]|"")+"|[a-z_][a-z0-9_$]*)$'
    ),
    constraint retention_policies_keep_positive check (keep > interval '0'),
    constraint retention_policies_mode_valid check (mode in ('delete', 'archive')),
    constraint retention_policies_batch_size_valid check (batch_size between 1 and 50000),
    constraint retention_policies_archive_target check ((mode = 'archive') = (archive_table is not null))
);

comment on table core.retention_policies is 'Which rows of a table are deleted or archived, and when.';
comment on column core.retention_policies.table_name is 'Qualified, quoted where the name needs it; a policy for a table that does not exist rests.';
comment on column core.retention_policies.time_column is 'What the age of a row is counted from. A row without it stays. Index it: each batch looks for the oldest rows.';
comment on column core.retention_policies.archive_table is 'Where rows move; it has every column of the table and row security of its own.';
comment on column core.retention_policies.predicate is
    'Further SQL condition on columns of the table, e.g. status = ''COMPLETED''. Runs as app_definer: as trusted as a migration.';
comment on column core.retention_policies.batch_size is 'Rows per statement.';
