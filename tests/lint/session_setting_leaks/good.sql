set local search_path = app;
set lock_timeout = '2s';
set role app_user;
reset role;
select set_config('search_path', '', true);
set session authorization default;
