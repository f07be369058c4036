alter type app.order_state add value 'draft' before 'new';
update app.order_log set state = 'draft' where id = 1; -- finding
select count(*) from app.order_log where 'draft' = state; -- finding
select id from app.order_log where state in ('new', 'draft'); -- finding
select 'draft'::app.order_state; -- finding
create table app.drafts (
    id    bigint primary key,
    state app.order_state not null default 'draft' -- finding
);
