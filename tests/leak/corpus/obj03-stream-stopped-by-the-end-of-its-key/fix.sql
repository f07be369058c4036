create or replace function media.stop(p_stream text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_stopped integer;
begin
    delete from media.streams s where s.key = media.tenant() || '/' || p_stream;
    get diagnostics v_stopped = row_count;
    return v_stopped;
end $$;
