-- __module__.notes: short texts of one tenant.

create table __module__.notes (
    tenant_id  uuid        not null,
    id         uuid        not null default gen_random_uuid(),
    title      text        not null,
    body       text        not null default '',
    version    integer     not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint notes_pkey primary key (tenant_id, id),
    constraint notes_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete restrict,
    constraint notes_title_length check (length(title) between 1 and 200)
);

comment on table __module__.notes is 'A note of one tenant.';
comment on column __module__.notes.version is 'Goes up with every change; core.optimistic_update compares it.';
comment on constraint notes_title_length on __module__.notes is 'A title has 1 to 200 characters.';
