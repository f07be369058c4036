-- core.alert_status: every rule and how it stands.

create view core.alert_status with (security_invoker = true) as
select r.name as rule, r.severity, r.description,
       case
           when not r.is_enabled then 'disabled'
           when a.state is not null then a.state
           -- silence is no good news
           when r.checked_at is null or r.last_value is null then 'unknown'
           else 'ok'
       end as state,
       r.last_value as value, r.comparator, r.threshold, r.for_minutes, a.first_seen_at, a.fired_at, r.checked_at, r.last_error, r.channel
  from core.alert_rules as r
  left join core.alerts as a on a.rule = r.name and a.state <> 'resolved';

comment on view core.alert_status is 'Alert rules with their state now: ok, pending, firing, unknown (the probe has no data or failed) or disabled.';
comment on column core.alert_status.value is 'What the probe said when it was asked last.';
