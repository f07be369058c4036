create table app.fresh (id bigint primary key, title text, title text); -- finding
-- dbkit: allow unknown_object because that is not the point
alter table app.docs add column a text, add column a text; -- finding
