create role todo_app login;
create schema todo;
grant usage on schema todo to todo_app;
create table todo.households (
    id uuid primary key,
    name text not null
);
create table todo.items (
    household_id uuid not null references todo.households,
    id uuid not null default gen_random_uuid(),
    text text not null check (length(text) between 1 and 200),
    done_at timestamptz,
    primary key (household_id, id)
);
create function todo.household() returns uuid language sql stable
as $$ select nullif(current_setting('todo.household', true), '')::uuid $$;
create function todo.fill_household() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    new.household_id := todo.household();
    return new;
end $$;
create trigger fill_household before insert on todo.items for each row execute function todo.fill_household();
alter table todo.households enable row level security;
alter table todo.items enable row level security;
create policy own on todo.households for select to todo_app using (id = todo.household());
create policy read on todo.items for select to todo_app using (household_id = todo.household());
create policy add on todo.items for insert to todo_app with check (true);
create policy change on todo.items for update to todo_app using (household_id = todo.household());
grant select on todo.households to todo_app;
grant select, insert (text), update (text, done_at) on todo.items to todo_app;
insert into todo.households values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
begin;
set local todo.household = 'a0000000-0000-4000-8000-00000000000a';
insert into todo.items (text) values ('SECRET item');
set local todo.household = 'b0000000-0000-4000-8000-00000000000b';
insert into todo.items (text) values ('own item');
commit;
