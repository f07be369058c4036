-- dbkit: allow domain_with_constraint because it has a default
create domain app.named as text default '' not null;
-- dbkit: allow add_column_volatile_default because the table has few rows
alter table app.docs add column title app.named;
