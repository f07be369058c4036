-- finding: app.events
create schema app;
create table app.events (id bigint primary key) with (autovacuum_freeze_max_age = 100000);
create table app.burnt (id bigint);
do $$
begin
    for turn in 1..130000 loop
        begin
            insert into app.burnt values (turn);
        exception when others then null;
        end;
    end loop;
end
$$;
