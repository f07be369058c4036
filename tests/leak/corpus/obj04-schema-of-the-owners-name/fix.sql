alter function q.average() set search_path = q, pg_temp;
