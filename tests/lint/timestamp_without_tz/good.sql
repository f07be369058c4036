create table app.notes (
    id bigint generated always as identity primary key,
    sent_at timestamptz not null,
    read_at timestamp with time zone
);

select '2026-01-01'::timestamp;
