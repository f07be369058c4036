create table app.fresh (
    id bigint primary key
);
drop table app.fresh cascade;

drop function app.current_tenant();
