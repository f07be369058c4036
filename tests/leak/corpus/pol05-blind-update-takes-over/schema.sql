create role authenticated login;
create schema auth;
grant usage on schema auth, public to authenticated;
create function auth.uid() returns uuid
language sql stable as $$
    select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
create table diaries (
    id uuid primary key default gen_random_uuid(),
    owner_user_id uuid not null,
    title text not null,
    updated_at timestamptz default now()
);
create table entries (
    id uuid primary key default gen_random_uuid(),
    diary_id uuid not null references diaries on delete cascade,
    body text
);
alter table diaries enable row level security;
alter table entries enable row level security;
create policy d on diaries to authenticated using (owner_user_id = auth.uid());
create policy e on entries to authenticated using (diary_id in (select id from diaries));
create policy e_recent on entries for update to authenticated
    using (auth.uid() is not null)
    with check (diary_id in (select id from diaries));
grant select, insert, update, delete on diaries, entries to authenticated;
insert into diaries (id, owner_user_id, title) values
    ('10000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-00000000000a', 'theirs'),
    ('20000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-00000000000b', 'own');
insert into entries (diary_id, body) values
    ('10000000-0000-4000-8000-000000000001', 'SECRET entry'), ('20000000-0000-4000-8000-000000000002', 'own entry');
