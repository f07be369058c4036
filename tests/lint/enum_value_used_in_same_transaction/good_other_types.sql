alter type app.order_state add value 'draft' before 'new';
update app.docs set body = 'draft' where id = 1;
insert into app.docs (id, body) values (2, 'draft') on conflict (id) do nothing;
insert into app.docs select 3, 'draft' where not exists (select from app.docs where body in ('draft'));
select 'draft'::text, cast('draft' as varchar);
create table app.drafts (
    id   bigint primary key,
    kind text not null default 'draft'
);
