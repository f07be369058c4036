create role tasks_api login;
create schema tasks;
grant usage on schema tasks to tasks_api;
create table tasks.accounts (
    slug text primary key check (slug ~ '^[a-z]+$')
);
create table tasks.tasks (
    id bigint primary key,
    account text not null references tasks.accounts,
    parent_id bigint,
    title text not null,
    unique (account, id),
    foreign key (account, parent_id) references tasks.tasks (account, id)
);
create table tasks.comments (
    account text not null references tasks.accounts,
    task_id bigint not null references tasks.tasks (id) on delete cascade,
    n smallint not null,
    body text not null,
    primary key (account, task_id, n)
);
alter table tasks.accounts enable row level security;
alter table tasks.tasks enable row level security;
alter table tasks.comments enable row level security;
create policy a on tasks.accounts for select to tasks_api using (slug = current_setting('tasks.account', true));
create policy t on tasks.tasks for select to tasks_api using (account = current_setting('tasks.account', true));
create policy c on tasks.comments to tasks_api using (account = current_setting('tasks.account', true));
grant select on tasks.accounts, tasks.tasks to tasks_api;
grant select, insert, update, delete on tasks.comments to tasks_api;
insert into tasks.accounts values ('acme'), ('globex');
insert into tasks.tasks values (1, 'acme', null, 'theirs'), (2, 'globex', null, 'own task');
