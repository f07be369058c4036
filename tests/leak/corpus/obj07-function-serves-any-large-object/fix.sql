create or replace function read_photo(p oid) returns bytea language sql security definer set search_path = pg_catalog, pg_temp
  as $$ select lo_get(content) from public.photos where content = p and author_id = auth.uid() $$;
