-- finding: app.cache
create schema app;
create unlogged table app.cache (id bigint primary key);
