drop table if exists app.fresh;
create table app.fresh (id bigint primary key);
