do $$
begin
    alter table app.docs add column fee money; -- finding
exception when duplicate_column then
    null;
end
$$;
