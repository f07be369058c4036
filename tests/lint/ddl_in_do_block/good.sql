do $$
begin
    create role app_reader nologin;
exception when duplicate_object then
    null;
end
$$;
do $$
begin
    create type app.mood as enum ('good', 'bad');
exception when duplicate_object then
    null;
end
$$;
create table app.notes (
    id bigint primary key
);
do $$
begin
    alter table app.notes add column title text;
    raise notice 'alter table app.docs add column title text';
    execute 'select count(*) from app.docs';
    execute format('grant select on app.docs to %I', 'app_reader');
end
$$;
