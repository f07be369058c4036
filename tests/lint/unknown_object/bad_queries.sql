create view app.listed with (security_invoker = true) as select m.id from app.missing m; -- finding
update app.mising set body = 'x' where id = 1; -- finding
grant select on app.lost to app_user; -- finding
comment on table app.gone is 'x'; -- finding
create table app.parts (
    id     bigint primary key,
    doc_id bigint not null constraint parts_doc_fk references app.dcos (id) -- finding
);
create index parts_doc_id_idx on app.parts (doc_id);
