-- One of every kind of object a snapshot knows; tests change one thing at a time.

do $$
begin
    if to_regrole('kitchen_app') is null then
        create role kitchen_app nologin;
        create role kitchen_owner nologin;
        create role kitchen_other nologin;
    end if;
end
$$;

create schema app;
comment on schema app is 'the application';
grant usage on schema app to kitchen_app;

create extension btree_gist;

create domain app.email as text default 'nobody@example.test' check (value = lower(value));
comment on domain app.email is 'lower case';
create type app.state as enum ('open', 'closed');
create type app.money as (amount numeric(12, 2), currency text);
create type app.pair as (first integer, second text);
create type app.span as range (subtype = numeric);

create function app.tenant() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.tenant', true), '')::uuid;
create function app.next_state(state app.state, step integer default 1) returns app.state
    language plpgsql immutable security definer set search_path = pg_catalog, pg_temp
    as $fn$
begin
    return 'closed';
end
$fn$;
revoke execute on function app.next_state(app.state, integer) from public;
grant execute on function app.next_state(app.state, integer) to kitchen_app;
create procedure app.tidy(inout removed integer) language plpgsql as 'begin removed := 0; end';
create aggregate app.total(numeric) (sfunc = numeric_add, stype = numeric, initcond = '0');
create function app.tg_touch() returns trigger language plpgsql as 'begin return new; end';
create function app.tg_ddl() returns event_trigger language plpgsql as 'begin end';

create sequence app.numbers increment by 2 cache 5;

create table app.owners (
    id uuid primary key default gen_random_uuid(),
    name text collate "C" not null
);
create table app.things (
    tenant_id  uuid not null default app.tenant(),
    id         bigint generated always as identity,
    owner_id   uuid not null references app.owners (id) on delete cascade,
    name       text not null constraint things_name_length check (length(name) <= 80),
    name_upper text generated always as (upper(name)) stored,
    address    app.email,
    state      app.state not null default 'open',
    price      app.money,
    during     tstzrange not null default tstzrange(now(), null),
    note       varchar(20),
    made_at    timestamptz not null default now(),
    constraint things_pkey primary key (tenant_id, id),
    constraint things_name_key unique (tenant_id, name) deferrable,
    constraint things_apart exclude using gist (tenant_id with =, during with &&)
);
comment on table app.things is 'things';
comment on column app.things.name is 'what it is called';
comment on constraint things_name_length on app.things is 'fits a label';
create index things_open on app.things (tenant_id, made_at desc) include (name) where state = 'open';
create index things_lower on app.things (lower(name) text_pattern_ops);
comment on index app.things_open is 'list of open things';
create statistics app.things_stats (dependencies) on tenant_id, state from app.things;

alter table app.things enable row level security;
alter table app.things force row level security;
create policy own_rows on app.things for select to kitchen_app using (tenant_id = (select app.tenant()));
create policy add_rows on app.things for insert to kitchen_app with check (tenant_id = (select app.tenant()));
create policy fence on app.things as restrictive using (tenant_id is not null);
comment on policy own_rows on app.things is 'a tenant sees its own';
grant select, insert on app.things to kitchen_app;
grant update (name, note) on app.things to kitchen_app;
create trigger touch before update of name on app.things for each row when (old.name <> new.name)
    execute function app.tg_touch();
create rule no_price as on update to app.things where new.price is null and old.price is not null do instead nothing;

create table app.events (tenant_id uuid not null, at timestamptz not null, body jsonb) partition by range (at);
create table app.events_old partition of app.events for values from ('2020-01-01') to ('2025-01-01');
create table app.events_rest partition of app.events default;
create index events_at on app.events (tenant_id, at);
create table app.base (a integer, b text);
create table app.derived (c integer) inherits (app.base);

create view app.open_things with (security_invoker = true, security_barrier = true) as
    select tenant_id, id, name from app.things where state = 'open';
comment on view app.open_things is 'only the open ones';
grant select on app.open_things to kitchen_app;
create view app.owner_names as select id, name from app.owners where name <> '' with local check option;
create materialized view app.counts as select tenant_id, count(*) as n from app.things group by tenant_id;
create unique index counts_tenant on app.counts (tenant_id);

create foreign data wrapper kitchen_wrapper;
create server kitchen_server foreign data wrapper kitchen_wrapper options (host 'example.test');
create user mapping for kitchen_app server kitchen_server options (user 'u', password 'secret-value');
create foreign table app.remote (id integer) server kitchen_server options (table_name 'remote');

create event trigger kitchen_ddl on ddl_command_end when tag in ('CREATE TABLE') execute function app.tg_ddl();
create publication kitchen_feed for table app.things (tenant_id, id, name) where (name <> '');
create cast (app.state as integer) with inout;
create function app.same(app.money, app.money) returns boolean language sql immutable as 'select $1.amount = $2.amount';
create operator app.=== (function = app.same, leftarg = app.money, rightarg = app.money);
create collation app.byte_order (provider = libc, locale = 'C');
create text search configuration app.words (copy = simple);
create text search dictionary app.plain (template = simple);
create conversion app.latin for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;

alter default privileges in schema app grant select on tables to kitchen_app;
alter default privileges for role kitchen_owner revoke execute on functions from public;
