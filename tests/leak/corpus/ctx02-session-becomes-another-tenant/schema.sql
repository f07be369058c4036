create role desk login;
create schema desk;
create schema sec;
grant usage on schema desk, sec to desk;
create table sec.sessions (
    pid int not null,
    xid xid8 not null,
    workspace text not null,
    primary key (pid, xid)
);
create table desk.workspaces (
    slug text primary key,
    name text
);
create table desk.staff (
    slug text not null references desk.workspaces,
    email text not null,
    primary key (slug, email)
);
create table desk.tickets (
    slug text not null references desk.workspaces,
    id uuid not null default gen_random_uuid(),
    subject text,
    primary key (slug, id)
);
create function sec.open(p_workspace text, p_email text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform 1 from desk.staff where slug = p_workspace and email = p_email;
    if not found then
        raise exception 'no such member';
    end if;
    insert into sec.sessions values (pg_backend_pid(), pg_current_xact_id(), p_workspace);
end
$$;
create function sec.become(p_workspace text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    update sec.sessions set workspace = p_workspace where pid = pg_backend_pid() and xid = pg_current_xact_id();
end
$$;
create function sec.workspace() returns text
language sql stable security definer set search_path = '' as $$
    select workspace from sec.sessions where pid = pg_backend_pid() and xid = pg_current_xact_id_if_assigned()
$$;
revoke execute on all functions in schema sec from public;
grant execute on all functions in schema sec to desk;
alter table desk.workspaces enable row level security;
alter table desk.staff enable row level security;
alter table desk.tickets enable row level security;
create policy p on desk.workspaces for select to desk using (slug = sec.workspace());
create policy p on desk.staff for select to desk using (slug = sec.workspace());
create policy p on desk.tickets to desk using (slug = sec.workspace());
grant select on desk.workspaces, desk.staff to desk;
grant select, insert, update, delete on desk.tickets to desk;
insert into desk.workspaces values ('globex', 'G'), ('acme', 'A');
insert into desk.staff values ('globex', 'bob@globex.test'), ('acme', 'ann@acme.test');
insert into desk.tickets (slug, subject) values ('acme', 'SECRET subject'), ('globex', 'own subject');
