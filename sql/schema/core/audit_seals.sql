-- core.audit_seals: the entries of one tenant in one run and month, each by its hash, so that core.verify_audit can name the one that
-- changed. A month has seals of its own because retention drops whole months.

-- dbkit: allow table_without_timestamps because a seal is made when its run is
create table core.audit_seals (
    tenant_id      uuid not null,
    number         bigint not null,
    run            bigint not null,
    month          date not null,
    entry_ids      bigint[] not null,
    entry_hashes   uuid[] not null,
    previous_chain bytea not null,
    chain          bytea not null,

    constraint audit_seals_pkey primary key (tenant_id, number),
    constraint audit_seals_hash_per_entry check (cardinality(entry_ids) = cardinality(entry_hashes))
);

-- The seals of a run: its head is a hash over them.
-- dbkit: allow index_without_tenant_first because a run goes across all tenants
create index audit_seals_run_idx on core.audit_seals (run);

comment on table core.audit_seals is 'Hashes of sealed audit entries; a chain per tenant, under the heads of core.audit_seal_runs.';
comment on column core.audit_seals.tenant_id is 'The nil uuid stands for entries of no tenant. No foreign key: seals outlive their tenant.';
comment on column core.audit_seals.run is
    'The run. No foreign key: to lock the run, it would need the right to update it, which nobody has; its head covers the seal instead.';
comment on column core.audit_seals.number is 'Counts the seals of the tenant, without a gap.';
comment on column core.audit_seals.month is 'The month of the entries, in UTC.';
comment on column core.audit_seals.entry_hashes is 'The first 128 bits of the SHA-256 of each entry.';
comment on column core.audit_seals.chain is 'SHA-256 over the seal and the chain before it.';
