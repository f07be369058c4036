-- core.alerts: conditions that were noticed, from the first look to the last.

create table core.alerts (
    id            bigint generated always as identity,
    rule          text not null,
    state         text not null default 'pending',
    value         double precision,
    message       text not null,
    first_seen_at timestamptz not null default now(),
    fired_at      timestamptz,
    resolved_at   timestamptz,

    constraint alerts_pkey primary key (id),
    constraint alerts_rule_fkey foreign key (rule) references core.alert_rules (name) on delete cascade,
    constraint alerts_state_valid check (state in (
        'pending',  -- -> firing; deleted when the condition passes before for_minutes: nobody was told
        'firing',   -- -> resolved
        'resolved'
    )),
    constraint alerts_fired_unless_pending check ((state = 'pending') = (fired_at is null)),
    constraint alerts_resolved_at_matches check ((state = 'resolved') = (resolved_at is not null))
);

-- at most one that is not over for each rule, and the way to it
create unique index alerts_one_open_per_rule on core.alerts (rule) where state <> 'resolved';
-- the history of a rule
create index alerts_rule_idx on core.alerts (rule, first_seen_at desc);

comment on table core.alerts is 'Alerts of core.evaluate_alerts: pending until the condition held for_minutes, firing, resolved.';
comment on column core.alerts.value is 'What the probe said last while the condition held.';
