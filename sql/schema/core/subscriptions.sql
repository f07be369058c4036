-- core.subscriptions: what each tenant has subscribed to.

create table core.subscriptions (
    tenant_id                uuid not null,
    system                   text not null,
    tier_key                 text not null,
    status                   text not null default 'trialing',
    external_customer_id     text,
    external_subscription_id text,
    current_period_end       timestamptz,
    trial_ends_at            timestamptz,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),

    constraint subscriptions_pkey primary key (tenant_id),
    constraint subscriptions_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    constraint subscriptions_system_tier_key_fkey foreign key (system, tier_key)
        references core.subscription_tiers (system, key) on delete restrict,
    constraint subscriptions_status_valid check (status in (
        'trialing', -- features until trial_ends_at
        'active',
        'past_due', -- features stay while payment is chased
        'canceled', -- features until current_period_end
        'expired'   -- no features
    ))
);

-- what the billing jobs look for: trials and periods that end
-- dbkit: allow index_without_tenant_first because the renewal job goes by due date across all tenants
create index subscriptions_status_idx on core.subscriptions (status, current_period_end);
-- ON DELETE RESTRICT of a tier
create index subscriptions_system_tier_key_idx on core.subscriptions (system, tier_key);

comment on table core.subscriptions is 'One subscription per tenant, written by core.create_tenant and core.change_subscription only.';
comment on column core.subscriptions.external_customer_id is 'Customer id at the payment provider; not shown to app roles.';
comment on column core.subscriptions.external_subscription_id is 'Subscription id at the payment provider; not shown to app roles.';
