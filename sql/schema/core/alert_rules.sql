-- core.alert_rules: what is watched. A probe is a function by name, so a rule is data and holds no SQL.

create table core.alert_rules (
    name           text not null,
    description    text not null,
    probe          text not null,
    argument       text,
    comparator     text not null default '>',
    threshold      double precision not null,
    window_minutes integer not null default 0,
    for_minutes    integer not null default 0,
    every_minutes  integer not null default 1,
    severity       text not null default 'warning',
    channel        text not null default 'alerts',
    is_enabled     boolean not null default true,
    checked_at     timestamptz,
    last_value     double precision,
    last_error     text,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),

    constraint alert_rules_pkey primary key (name),
    constraint alert_rules_name_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    -- core.evaluate_alerts calls nothing that was not made to be a probe
    constraint alert_rules_probe_valid check (probe ~ '^[a-z_][a-z0-9_]*\.probe_[a-z0-9_]+$'),
    constraint alert_rules_comparator_valid check (comparator in ('>', '>=', '<', '<=')),
    constraint alert_rules_window_not_negative check (window_minutes >= 0),
    constraint alert_rules_for_not_negative check (for_minutes >= 0),
    constraint alert_rules_every_positive check (every_minutes > 0),
    constraint alert_rules_severity_valid check (severity in ('info', 'warning', 'critical'))
);

comment on table core.alert_rules is 'Rules of core.evaluate_alerts. Seeds add them; threshold, minutes, severity and channel are the operator''s to change.';
comment on column core.alert_rules.probe is 'Function (p_minutes integer, p_argument text) returning double precision; null means no data.';
comment on column core.alert_rules.argument is 'Second argument of the probe, such as the name of a metric.';
comment on column core.alert_rules.window_minutes is 'First argument of the probe: how far back it looks.';
comment on column core.alert_rules.for_minutes is 'How long the condition must hold before the alert fires; 0 fires at once.';
comment on column core.alert_rules.every_minutes is 'How often core.evaluate_alerts asks the probe.';
comment on column core.alert_rules.last_value is 'What the probe said at checked_at.';
comment on column core.alert_rules.last_error is 'Why the probe said nothing at checked_at; null when it answered.';
