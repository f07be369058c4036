create role chat_app login;
create schema chat;
grant usage on schema chat to chat_app;

create table chat.workspaces (
    id uuid primary key,
    name text not null
);
create table chat.messages (
    workspace_id uuid not null references chat.workspaces,
    id uuid not null default gen_random_uuid(),
    body text not null check (body <> ''),
    reactions jsonb not null default '[]' check (jsonb_typeof(reactions) = 'array'),
    primary key (workspace_id, id)
);
alter table chat.workspaces enable row level security, force row level security;
alter table chat.messages enable row level security, force row level security;
create policy w on chat.workspaces for select to chat_app
    using (id::text = current_setting('chat.workspace', true));
create policy m_select on chat.messages for select to chat_app
    using (workspace_id::text = current_setting('chat.workspace', true));
create policy m_insert on chat.messages for insert to chat_app
    with check (workspace_id::text = current_setting('chat.workspace', true));
create policy m_delete on chat.messages for delete to chat_app using (true);
grant select on chat.workspaces to chat_app;
grant select, insert, delete on chat.messages to chat_app;

insert into chat.workspaces values
    ('a1000000-0000-4000-8000-000000000001', 'Acme'), ('b2000000-0000-4000-8000-000000000002', 'Globex');
insert into chat.messages (workspace_id, body) values
    ('a1000000-0000-4000-8000-000000000001', 'theirs'), ('b2000000-0000-4000-8000-000000000002', 'own message');
