alter function public.my_foundations() set search_path = public, pg_temp;
