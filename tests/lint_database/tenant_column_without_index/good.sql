create schema app;
create table app.notes (tenant_id uuid, id bigint, body text, primary key (tenant_id, id));
create table app.other (id bigint primary key, body text);
