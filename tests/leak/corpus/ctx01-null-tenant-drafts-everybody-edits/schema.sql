create role survey_web login;
create schema survey;
grant usage on schema survey to survey_web;

create table survey.customers (
    id uuid primary key,
    name text not null
);
create table survey.answers (
    id uuid primary key default gen_random_uuid(),
    customer_id uuid references survey.customers,
    respondent text not null,
    given jsonb not null default '{}',
    submitted_at timestamptz not null default now()
);
create function survey.customer() returns uuid language sql stable
as $$ select nullif(current_setting('survey.customer', true), '')::uuid $$;
alter table survey.customers enable row level security, force row level security;
alter table survey.answers enable row level security, force row level security;
create policy c on survey.customers for select to survey_web using (id = survey.customer());
create policy a on survey.answers to survey_web
    using (customer_id = survey.customer() or customer_id is null)
    with check (customer_id = survey.customer() or customer_id is null);
grant select on survey.customers to survey_web;
grant select, insert, update, delete on survey.answers to survey_web;

insert into survey.customers values
    ('c1000000-0000-4000-8000-000000000001', 'Acme'), ('c2000000-0000-4000-8000-000000000002', 'Globex');
insert into survey.answers (customer_id, respondent) values
    ('c1000000-0000-4000-8000-000000000001', 'hidden'), ('c2000000-0000-4000-8000-000000000002', 'own answer');
