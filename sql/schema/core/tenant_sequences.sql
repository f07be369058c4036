-- core.tenant_sequences: the last document number of each kind, per tenant. A row, not a sequence: a rollback gives the number back.

-- dbkit: allow table_without_timestamps because a counter moves with the record it numbers, which has its own times
create table core.tenant_sequences (
    tenant_id  uuid not null,
    name       text not null,
    last_value bigint not null default 0,

    constraint tenant_sequences_pkey primary key (tenant_id, name),
    constraint tenant_sequences_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

comment on table core.tenant_sequences is 'Counters of core.next_number.';
