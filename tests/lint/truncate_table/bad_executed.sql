do $$
begin
    execute 'truncate app.docs'; -- finding
end
$$;
