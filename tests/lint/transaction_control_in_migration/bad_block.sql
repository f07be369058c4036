do $$
begin
    update app.docs set body = '' where id between 1 and 1000 and body is null;
    commit; -- finding
end
$$;
