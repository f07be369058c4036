do $$
begin
    execute format('alter table %I.%I detach partition %I.%I', 'app', 'events', 'app', 'events_2025'); -- finding
end
$$;
