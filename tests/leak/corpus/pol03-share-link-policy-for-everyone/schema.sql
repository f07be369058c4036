create role anon nologin;
create role authenticated login;
create schema auth;
grant usage on schema auth to anon, authenticated;
create function auth.uid() returns uuid language sql stable
as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable
as $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
grant usage on schema public to anon, authenticated;

create table public.profiles (
    id uuid primary key,
    handle text not null unique check (handle ~ '^\w+$')
);
create table public.albums (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references public.profiles on delete cascade,
    title text not null,
    share_token uuid default gen_random_uuid()
);
alter table public.profiles enable row level security;
alter table public.albums enable row level security;
create policy "People read their profile" on public.profiles for select to authenticated
    using (id = (select auth.uid()));
create policy "Owners do everything" on public.albums to authenticated
    using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
create policy "Shared by link" on public.albums for select using (share_token is not null);
grant select on public.profiles to authenticated;
grant select, insert, update, delete on public.albums to authenticated;

insert into public.profiles values
    ('a0000000-0000-4000-8000-00000000000a', 'alice'), ('b0000000-0000-4000-8000-00000000000b', 'bob');
insert into public.albums (owner_id, title) values
    ('a0000000-0000-4000-8000-00000000000a', 'SECRET album'), ('b0000000-0000-4000-8000-00000000000b', 'own album');
