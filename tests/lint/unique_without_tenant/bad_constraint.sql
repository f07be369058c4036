create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    title     text unique, -- finding
    code      text,
    primary key (tenant_id, id),
    constraint notes_code_key unique (code, title) -- finding
);
alter table app.notes enable row level security;
