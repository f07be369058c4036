create extension pgcrypto; -- finding
create extension if not exists citext schema public; -- finding
do $$
begin
    create extension if not exists hstore; -- finding
end
$$;
