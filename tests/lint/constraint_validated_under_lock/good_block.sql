do $$
begin
    create temporary table stage (id bigint);
    alter table stage add constraint stage_id_check check (id > 0);
    execute 'create temporary table other (id bigint)';
    alter table other add constraint other_id_check check (id > 0);
end
$$;
