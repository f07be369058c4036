do $$
begin
    create temporary table stage (id bigint);
    create index on stage (id);
    truncate stage;
    drop table stage;
end $$;
