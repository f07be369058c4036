create role shelf_app login;
create schema shelf;
grant usage on schema shelf to shelf_app;
create table shelf.libraries (
    id smallint primary key,
    name text not null
);
create table shelf.books (
    library_id smallint not null references shelf.libraries,
    isbn text not null check (isbn ~ '^[0-9]{13}$'),
    title text not null,
    deleted_at timestamptz,
    primary key (library_id, isbn)
);
create function shelf.library() returns smallint language sql stable
as $$ select nullif(current_setting('shelf.library', true), '')::smallint $$;
alter table shelf.libraries enable row level security, force row level security;
alter table shelf.books enable row level security, force row level security;
create policy own on shelf.libraries for select to shelf_app using (id = shelf.library());
create policy fence on shelf.books as restrictive to shelf_app
    using (library_id = shelf.library()) with check (library_id = shelf.library());
create policy live on shelf.books for select to shelf_app using (deleted_at is null);
create policy anything on shelf.books to shelf_app using (true) with check (true);
grant select on shelf.libraries to shelf_app;
grant select, insert, update, delete on shelf.books to shelf_app;
insert into shelf.libraries values (1, 'Acme'), (2, 'Globex');
insert into shelf.books values (1, '9780000000001', 'SECRET book'), (2, '9780000000002', 'own book');
