set local search_path = app;
create extension pgcrypto;
