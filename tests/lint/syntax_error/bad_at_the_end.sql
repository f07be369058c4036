-- é
create table app.fresh (id bigint primary key, -- finding
