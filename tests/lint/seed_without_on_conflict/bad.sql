-- file: sql/seeds/development/tenants.sql
insert into app.tenants (id, name) values ('00000000-0000-0000-0000-000000000001', 'demo'); -- finding
