-- A job of the platform: it belongs to no tenant, and goes before all that tenants queue, or the alert of a queue that is full would stand
-- at its end. The message holds a rule and a number, nothing of a tenant.

create or replace function core.send_alert(p_rule text, p_message text) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_rule core.alert_rules;
begin
    select * into v_rule from core.alert_rules as r where r.name = p_rule;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no alert rule of this name.');
    end if;
    return core.enqueue_for(
        p_tenant => null,
        p_job_type => 'send_alert',
        p_priority => 10000,
        p_payload => jsonb_build_object(
            'rule', v_rule.name, 'message', p_message, 'severity', v_rule.severity, 'channel', v_rule.channel));
end
$fn$;

alter function core.send_alert(text, text) owner to app_definer;
revoke execute on function core.send_alert(text, text) from public;

comment on function core.send_alert(text, text) is
    'Queue a send_alert job for people; core.evaluate_alerts calls it once for each alert that fires. Returns the id of the job. '
    'Each call queues. Errors: PT404 no such rule.';
