create table app.logs (
    id bigint not null,
    at timestamptz not null,
    primary key (id, at)
) partition by range (at);
create table app.logs_rest partition of app.logs default;
create index logs_at_idx on only app.logs (at);
create index logs_rest_at_idx on app.logs_rest (at);
alter index app.logs_at_idx attach partition app.logs_rest_at_idx;
