create unlogged table app.notes ( -- finding
    id         bigint primary key,
    created_at timestamptz not null default now()
);
