create table app.fresh (id bigint primary key, a text, b text);
do $$
begin
    execute format('alter table %I.%I drop column a', 'app', 'fresh');
    execute 'alter table app.fresh ' || 'drop column b';
end
$$;
