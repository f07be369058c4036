alter table tasks.comments
    drop constraint comments_task_id_fkey,
    add foreign key (account, task_id) references tasks.tasks (account, id) on delete cascade;
