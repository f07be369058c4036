create role helpdesk_app login;
create schema helpdesk;
grant usage on schema helpdesk to helpdesk_app;

create table helpdesk.clients (
    id integer primary key,
    name text not null
);
create table helpdesk.cases (
    client_id integer not null references helpdesk.clients,
    case_no integer not null,
    opened_on date not null default current_date,
    summary text not null,
    primary key (client_id, case_no)
);
create function helpdesk.sees(p_client integer) returns boolean language plpgsql stable as $$
begin
    if current_setting('helpdesk.acting_as', true) = 'support' then
        return true;
    end if;
    return p_client = nullif(current_setting('helpdesk.client', true), '')::integer;
end $$;
alter table helpdesk.clients enable row level security, force row level security;
alter table helpdesk.cases enable row level security, force row level security;
create policy own on helpdesk.clients for select to helpdesk_app
    using (id = nullif(current_setting('helpdesk.client', true), '')::integer);
create policy visible on helpdesk.cases for select to helpdesk_app using (helpdesk.sees(client_id));
create policy own_insert on helpdesk.cases for insert to helpdesk_app
    with check (client_id = nullif(current_setting('helpdesk.client', true), '')::integer);
grant select on helpdesk.clients to helpdesk_app;
grant select, insert on helpdesk.cases to helpdesk_app;

insert into helpdesk.clients values (1, 'Acme'), (2, 'Globex');
insert into helpdesk.cases (client_id, case_no, summary) values (1, 1, 'SECRET case'), (2, 1, 'own case');
