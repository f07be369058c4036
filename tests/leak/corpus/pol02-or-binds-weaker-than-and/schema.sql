create role kb_reader login;
create schema kb;
grant usage on schema kb to kb_reader;

create table kb.spaces (
    id text primary key,
    title text not null
);
create table kb.pages (
    space_id text not null references kb.spaces,
    slug text not null check (slug ~ '^[a-z0-9-]+$'),
    author text not null,
    state text not null default 'draft' check (state in ('draft', 'published', 'withdrawn')),
    body text not null,
    words integer generated always as (length(body)) stored,
    primary key (space_id, slug)
);
alter table kb.spaces enable row level security, force row level security;
alter table kb.pages enable row level security, force row level security;
create policy s on kb.spaces for select to kb_reader using (id = current_setting('kb.space', true));
create policy pages_read on kb.pages for select to kb_reader using (
    space_id = current_setting('kb.space', true)
    and author = current_setting('kb.author', true)
    or state = 'published'
);
create policy pages_write on kb.pages for insert to kb_reader
    with check (space_id = current_setting('kb.space', true) and author = current_setting('kb.author', true));
grant select on kb.spaces to kb_reader;
grant select, insert on kb.pages to kb_reader;

insert into kb.spaces values ('acme', 'Acme handbook'), ('globex', 'Globex handbook');
insert into kb.pages (space_id, slug, author, state, body) values
    ('acme', 'salaries', 'alice', 'published', 'SECRET salaries'), ('globex', 'lunch', 'bob', 'published', 'own page');
