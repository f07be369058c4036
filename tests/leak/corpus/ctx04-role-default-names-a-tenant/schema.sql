create role wiki_app login;
create schema wiki;
grant usage on schema wiki to wiki_app;

create table wiki.tenants (
    id text primary key,
    plan text not null default 'free' check (plan in ('free', 'team'))
);
create table wiki.articles (
    tenant_id text not null references wiki.tenants,
    slug text not null,
    body text not null,
    search tsvector generated always as (to_tsvector('simple', body)) stored,
    primary key (tenant_id, slug)
);
alter table wiki.tenants enable row level security, force row level security;
alter table wiki.articles enable row level security, force row level security;
create policy t on wiki.tenants for select to wiki_app using (id = current_setting('wiki.tenant', true));
create policy a on wiki.articles to wiki_app using (tenant_id = current_setting('wiki.tenant', true));
grant select on wiki.tenants to wiki_app;
grant select, insert, update, delete on wiki.articles to wiki_app;
insert into wiki.tenants values ('acme'), ('globex');
insert into wiki.articles (tenant_id, slug, body) values ('acme', 'x', 'SECRET article'), ('globex', 'x', 'own article');
alter role wiki_app set wiki.tenant = 'acme';
