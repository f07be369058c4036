create role mail_app login;
create schema mail;
grant usage on schema mail to public;
create table mail.tenants (
    id bigint primary key,
    domain text not null
);
create table mail.mailboxes (
    tenant_id bigint not null references mail.tenants,
    local_part text not null,
    quota_mb integer not null default 500 check (quota_mb in (500, 5000)),
    primary key (tenant_id, local_part)
);
create table mail.api_tokens (
    tenant_id bigint not null references mail.tenants,
    token text not null,
    expires_at timestamptz not null default now() + interval '1 day',
    primary key (tenant_id, token)
);
alter table mail.tenants enable row level security;
alter table mail.mailboxes enable row level security;
create policy t on mail.tenants for select to mail_app
    using (id = nullif(current_setting('mail.tenant', true), '')::bigint);
create policy m on mail.mailboxes to mail_app
    using (tenant_id = nullif(current_setting('mail.tenant', true), '')::bigint);
grant select on mail.tenants to mail_app;
grant select, insert, update, delete on mail.mailboxes to mail_app;
grant select on mail.api_tokens to public;
insert into mail.tenants values (1, 'acme.test'), (2, 'globex.test');
insert into mail.mailboxes values (1, 'ceo'), (2, 'own');
insert into mail.api_tokens values (1, 'SECRET token'), (2, 'own token');
