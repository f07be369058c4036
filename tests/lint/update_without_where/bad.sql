update app.docs set body = ''; -- finding

do $$
begin
    update app.orders set total = 0; -- finding
end $$;
