-- dbkit: allow domain_with_constraint because it has a default
create domain app.named as text default '' not null;
alter table app.docs add column title app.named;
