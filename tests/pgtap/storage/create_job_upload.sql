-- storage.create_job_upload: a worker's file belongs to the tenant of its job, for as long as it holds the job.
begin;
select plan(24);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
create temporary table made (word text, job uuid);
create temporary table held (word text, lease bigint, job uuid);
create temporary table given (number serial, object_id uuid, name text, token text, size_bytes bigint, content_sha256 text);
grant all on made, held, given to app_user, app_worker;
grant usage on sequence given_number_seq to app_worker;

select tests.act_as('app_user', 'ann', 'north');
insert into made select w, core.enqueue('generate_invoice_pdf', '{"invoice": {}}') from unnest(array['pdf', 'lost', 'taken', 'gone']) as w;
select tests.act_as('app_worker');
insert into held
select m.word, n.lease_id, m.job
  from (select * from core.next_jobs('w1', 10)) as n
  join made as m on m.job = n.id;

-- reserve, again, finish
insert into given (object_id, name, token, size_bytes, content_sha256)
select r.* from held as h, storage.create_job_upload(h.lease, h.job, 'invoices', 'pdf', 'application/pdf', 1000) as r where h.word = 'pdf';
select results_eq(
    $$ select g.name, length(g.token), g.size_bytes, g.content_sha256 from given as g $$,
    $$ select tests.id('north') || '/' || h.job || '.pdf', 64, null::bigint, null::text from held as h where h.word = 'pdf' $$,
    'the file is called after tenant and job, and comes with a token');
insert into given (object_id, name, token, size_bytes, content_sha256)
select r.* from held as h, storage.create_job_upload(h.lease, h.job, 'invoices', 'pdf', 'application/pdf', 1001) as r where h.word = 'pdf';
select is((select count(distinct object_id) || ' ' || count(distinct token) from given), '1 2', 'another attempt gets the same file and a new token');
select throws_ok(format($$ select storage.finish_upload(%L, 1000, repeat('ab', 32)) $$, token), 'PT410', 'expired', 'the token before is worth nothing') from given where number = 1;
select lives_ok(format($$ select storage.finish_upload(%L, 1001, repeat('ab', 32)) $$, token), 'the new one finishes the upload') from given where number = 2;
select results_eq(
    $$ select r.object_id = g.object_id, r.token, r.size_bytes, r.content_sha256
         from given as g, held as h, storage.create_job_upload(h.lease, h.job, 'invoices', 'pdf', 'application/pdf', 7) as r where h.word = 'pdf' and g.number = 2 $$,
    $$ values (true, null::text, 1001::bigint, repeat('ab', 32)) $$, 'after which there is nothing left to upload');

-- whose it is
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select bucket_id, size_bytes, mime_type, state, owner_id, metadata ->> 'job_type', metadata ->> 'requested_by' from storage.objects where name like '%.pdf' $$,
    $$ values ('invoices', 1001::bigint, 'application/pdf', 'uploaded', null::uuid, 'generate_invoice_pdf', tests.id('ann')::text) $$,
    'the tenant of the job has the file');
select lives_ok(format($$ select storage.create_signed_url('invoices', %L) $$, name), 'and may read it') from given where number = 2;
select tests.act_as('app_user', 'sue', 'south');
select is_empty($$ select from storage.objects $$, 'another tenant has not');
select throws_ok(format($$ select storage.create_signed_url('invoices', %L) $$, name), 'PT404', 'not_found', 'and may not') from given where number = 2;

-- a name that somebody else has
select tests.act_as('app_user', 'ann', 'north');
select lives_ok(
    format($$ select storage.create_upload('invoices', %L, 'application/pdf', 5) $$, tests.id('north') || '/' || job || '.pdf'), 'a member takes the name first')
  from made where word = 'taken';
select tests.act_as('app_worker');
select throws_ok(
    format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 5) $$, lease, job), 'PT409', 'conflict', 'and keeps it')
  from held where word = 'taken';
select isnt_empty(
    format($$ select storage.create_job_upload(%s, %L, 'documents', 'pdf', 'application/pdf', 5) $$, lease, job), 'in that bucket') from held where word = 'taken';

-- a file that was deleted is not brought back
select lives_ok(
    format($$ select storage.finish_upload((storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 5)).token, 5, repeat('cd', 32)) $$, lease, job),
    'another job''s file is uploaded') from held where word = 'gone';
select tests.act_as('app_user', 'ann', 'north');
select lives_ok(format($$ select storage.delete_object('invoices', %L) $$, tests.id('north') || '/' || job || '.pdf'), 'its owner deletes it') from made where word = 'gone';
select tests.act_as('app_worker');
select throws_ok(
    format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 5) $$, lease, job), 'PT409', 'conflict', 'and the worker leaves it at that')
  from held where word = 'gone';

-- what is refused
select throws_ok(format($$ select storage.create_job_upload(%s, %L, 'nowhere', 'pdf', 'application/pdf', 5) $$, lease, job), 'PT422', 'invalid', 'an unknown bucket') from held where word = 'lost';
select throws_ok(format($$ select storage.create_job_upload(%s, %L, 'invoices', 'png', 'image/png', 5) $$, lease, job), 'PT422', 'invalid', 'a type the bucket does not take') from held where word = 'lost';
select throws_ok(format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 10485761) $$, lease, job), 'PT422', 'invalid', 'a byte too many') from held where word = 'lost';
select throws_ok(format($$ select storage.create_job_upload(%s, %L, 'invoices', '../x', 'application/pdf', 5) $$, lease, job), 'PT422', 'invalid', 'an extension that is a path') from held where word = 'lost';
select throws_ok(format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 5) $$, lease + 1, job), 'PT409', 'conflict', 'a lease that is not the job''s') from held where word = 'lost';
select throws_ok(format($$ select storage.create_job_upload(%s, gen_random_uuid(), 'invoices', 'pdf', 'application/pdf', 5) $$, lease), 'PT409', 'conflict', 'a job that is not the lease''s') from held where word = 'lost';
select isnt_empty(format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 10485760) $$, lease, job), 'while the job is held it works') from held where word = 'lost';
select core.release_jobs(lease, array[job]) from held where word = 'lost';
select throws_ok(format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 5) $$, lease, job), 'PT409', 'conflict', 'and not any more when it was given back') from held where word = 'lost';

select tests.act_as('app_user', 'ann', 'north');
select throws_ok(
    format($$ select storage.create_job_upload(%s, %L, 'invoices', 'pdf', 'application/pdf', 5) $$, lease, job), '42501', 'permission denied for function create_job_upload',
    'an application is no worker') from held where word = 'pdf';

select * from finish();
rollback;
