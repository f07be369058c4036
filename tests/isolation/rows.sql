-- Rows of the isolation proof that no single INSERT makes: jobs of each tenant that a worker holds, one under a dedupe key.
do $$
begin
    perform core.enqueue_for({tenant}, 'batch_email', '{}', null, now(), 'nightly');
    perform core.claim_jobs('worker', 1);
    -- Another, whose worker fell silent: whoever may take it back changes the tenant's job.
    perform core.enqueue_for({tenant}, 'batch_email', '{}');
    perform core.claim_jobs('silent', 1);
    update core.job_leases as l set lease_until = now() + case l.worker when 'silent' then '-1 hour' else '1 day' end::interval;
end
$$;

-- Without it no e-mail of an invitation is made.
insert into core.app_settings (key, value) values ('rental.invite_url', 'https://app.example/{' || 'token}') on conflict do nothing;

-- Beside the request that was answered, one that is being worked on.
insert into core.idempotency_keys (tenant_id, scope, idempotency_key, request_hash, lease_until)
values ({tenant}, 'orders.create', 'x', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', now() + interval '1 hour')
on conflict do nothing;
