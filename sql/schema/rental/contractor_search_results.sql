-- rental.contractor_search_results: what a search for contractors found for a ticket, kept for reuse.

create table rental.contractor_search_results (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    ticket_id     uuid        not null,
    results       jsonb       not null default '[]',
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint contractor_search_results_pkey primary key (owner_user_id, id),
    constraint contractor_search_results_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint contractor_search_results_ticket_id_fkey foreign key (owner_user_id, ticket_id)
        references rental.tickets (owner_user_id, id) on delete cascade,
    constraint contractor_search_results_results_array check (jsonb_typeof(results) = 'array')
);

-- The newest result of a ticket, and the ones too old to use.
create index contractor_search_results_ticket_updated_idx on rental.contractor_search_results (ticket_id, updated_at);

comment on table rental.contractor_search_results is 'The contractors found for a ticket, as the search returned them.';
comment on column rental.contractor_search_results.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.contractor_search_results.results is 'A JSON array; its elements belong to the search service.';
