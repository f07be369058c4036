-- rental.import_errors: the rows of a bulk import that were refused, and why.

create table rental.import_errors (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    batch_id      uuid        not null,
    row_no        integer     not null,
    email         text,
    error         text        not null,
    created_at    timestamptz not null default now(),

    constraint import_errors_pkey primary key (owner_user_id, id),
    constraint import_errors_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint import_errors_batch_id_fkey foreign key (owner_user_id, batch_id)
        references rental.import_batches (owner_user_id, id) on delete cascade
);

-- The report of a batch, in the order of the file.
create index import_errors_batch_idx on rental.import_errors (owner_user_id, batch_id, row_no);

comment on table rental.import_errors is 'A refused row of a bulk import. Append-only; written by the import functions.';
comment on column rental.import_errors.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.import_errors.email is 'The address as it stood in the row, which may be malformed.';
