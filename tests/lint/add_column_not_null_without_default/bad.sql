alter table app.accounts add column region text not null; -- finding
alter table app.accounts
    add column plan text,
    add column seats integer default null not null; -- finding
alter table unknown_before add column x int constraint x_there not null; -- finding
