-- Rows of the isolation proof that no single INSERT makes: a job of each tenant that a worker holds, under one dedupe key.
do $$
begin
    perform core.enqueue_for({tenant}, 'batch_email', '{}', null, now(), 'nightly');
    perform core.claim_jobs('worker', 1);
end
$$;

-- Without it no e-mail of an invitation is made.
insert into core.app_settings (key, value) values ('rental.invite_url', 'https://app.example/{' || 'token}') on conflict do nothing;
