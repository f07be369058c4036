create role image_owner nologin;
create role image_app login;
create schema image authorization image_owner;
grant usage on schema image to image_app;
set role image_owner;
create table image.studios (
    id integer primary key
);
create table image.pictures (
    studio_id integer not null references image.studios,
    name text not null,
    content oid not null,
    primary key (studio_id, name)
);
alter table image.studios enable row level security;
alter table image.pictures enable row level security;
create policy own on image.studios for select to image_app
    using (id = nullif(current_setting('image.studio', true), '')::integer);
create policy own on image.pictures for select to image_app
    using (studio_id = nullif(current_setting('image.studio', true), '')::integer);
grant select on image.studios, image.pictures to image_app;
create function image.content(p_name text) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select lo_get(p.content) from image.pictures p
     where p.name = p_name and p.studio_id = nullif(current_setting('image.studio', true), '')::integer
$$;
select lo_from_bytea(80001, 'SECRET picture'), lo_from_bytea(80002, 'own picture');
insert into image.studios values (1), (2);
insert into image.pictures values (1, 'logo', 80001), (2, 'logo', 80002);
