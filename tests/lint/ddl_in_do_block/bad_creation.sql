do $$
begin
    create table if not exists app.notes ( -- finding
        id bigint primary key
    );
    create temporary table scratch (id bigint);
end
$$;
