create role parts_owner nologin;
create role parts_web login;
create schema parts authorization parts_owner;
grant usage on schema parts to parts_web;
set role parts_owner;
create table parts.dealers (
    id integer primary key,
    name text not null
);
create table parts.offers (
    dealer_id integer not null references parts.dealers,
    code varchar(20) not null,
    label text not null,
    purchase_price numeric not null check (purchase_price > 0),
    primary key (dealer_id, code)
);
create function parts.dealer() returns integer language sql stable
as $$ select nullif(current_setting('parts.dealer', true), '')::integer $$;
alter table parts.dealers enable row level security;
alter table parts.offers enable row level security;
create policy d on parts.dealers for select to parts_web using (id = parts.dealer());
create policy o on parts.offers to parts_web using (dealer_id = parts.dealer());
grant select on parts.dealers to parts_web;
grant select, insert, update, delete on parts.offers to parts_web;
create function parts.search(p_word text) returns setof parts.offers
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query execute 'select * from parts.offers where dealer_id = parts.dealer() and label ilike ''%' || p_word || '%''';
end $$;
insert into parts.dealers values (1, 'Acme'), (2, 'Globex');
insert into parts.offers values (1, 'A', 'SECRET offer', 1), (2, 'B', 'own offer', 2);
