-- One rule that fails does not silence the others: its error is kept beside it. No data changes nothing: an alert is not resolved by silence.

create or replace function core.evaluate_alerts(p_rule text default null) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_now    timestamptz;
    v_rule   core.alert_rules;
    v_open   core.alerts;
    v_value  double precision;
    v_error  text;
    v_is_bad boolean;
    v_fired  integer := 0;
begin
    -- Two evaluations go one after the other; the second finds the rules asked already.
    perform pg_advisory_xact_lock(hashtextextended('core.evaluate_alerts', 0));
    v_now := clock_timestamp();

    for v_rule in
        select *
          from core.alert_rules as r
         where r.is_enabled
           and (r.name = p_rule
                or p_rule is null
                -- half a minute of grace: a schedule is never to the second
                and coalesce(r.checked_at, '-infinity') <= v_now - make_interval(mins => r.every_minutes) + interval '30 seconds')
         order by r.name
    loop
        v_value := null;
        v_error := null;
        begin
            if to_regproc(v_rule.probe) is null then
                v_error := 'there is no probe ' || v_rule.probe;
            else
                execute format('select %s($1, $2)', v_rule.probe::regproc) into v_value using v_rule.window_minutes, v_rule.argument;
            end if;

            select * into v_open from core.alerts as a where a.rule = v_rule.name and a.state <> 'resolved' for update;
            v_is_bad := case v_rule.comparator
                            when '>' then v_value > v_rule.threshold
                            when '>=' then v_value >= v_rule.threshold
                            when '<' then v_value < v_rule.threshold
                            else v_value <= v_rule.threshold
                        end;
            if v_is_bad and v_open.id is null then
                insert into core.alerts (rule, value, message, first_seen_at)
                values (
                    v_rule.name, v_value,
                    format('%s (%s %s %s)', v_rule.description, round(v_value::numeric, 1), v_rule.comparator, v_rule.threshold),
                    v_now)
                returning * into v_open;
            elsif v_is_bad then
                update core.alerts as a set value = v_value where a.id = v_open.id;
            elsif not v_is_bad and v_open.state = 'pending' then
                delete from core.alerts as a where a.id = v_open.id;
            elsif not v_is_bad and v_open.state = 'firing' then
                update core.alerts as a set state = 'resolved', resolved_at = v_now where a.id = v_open.id;
            end if;

            if v_is_bad and v_open.state = 'pending' and v_open.first_seen_at <= v_now - make_interval(mins => v_rule.for_minutes) then
                update core.alerts as a set state = 'firing', fired_at = v_now where a.id = v_open.id;
                perform core.send_alert(v_rule.name, v_open.message);
                v_fired := v_fired + 1;
            end if;
        exception
            when others then
                v_error := sqlstate || ' ' || sqlerrm;
        end;
        update core.alert_rules as r
           set checked_at = v_now,
               last_value = v_value,
               last_error = left(v_error, 500)
         where r.name = v_rule.name;
    end loop;
    return v_fired;
end
$fn$;

alter function core.evaluate_alerts(text) owner to app_definer;
revoke execute on function core.evaluate_alerts(text) from public;

comment on function core.evaluate_alerts(text) is
    'Ask the probe of every rule that is due, or of one rule now, and move its alert: pending, firing once the condition held '
    'for_minutes (a send_alert job is queued, once), resolved. The cron job evaluate-alerts. Returns the alerts that began to fire. '
    'Idempotent. Errors: none; a probe that fails is named in core.alert_rules.last_error.';
