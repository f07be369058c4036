-- core.queue_weights: the share of a tenant in fair queues where it is not 1.

create table core.queue_weights (
    tenant_id  uuid not null,
    weight     numeric(6,2) not null,
    updated_at timestamptz not null default now(),

    constraint queue_weights_pkey primary key (tenant_id),
    constraint queue_weights_weight_valid check (weight between 0.01 and 1000),
    constraint queue_weights_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

comment on table core.queue_weights is 'Turns a tenant gets in fair queues while another one gets one; core.put_queue_weight writes it.';
