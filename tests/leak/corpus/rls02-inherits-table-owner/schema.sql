create role ledger_ddl nologin;
create role ledger_worker login in role ledger_ddl;
create schema ledger authorization ledger_ddl;
set role ledger_ddl;

create domain ledger.money_amount as numeric(18, 2) check (value >= 0);
create table ledger.books (
    id bigint primary key,
    title text not null
);
create table ledger.entries (
    book_id bigint not null references ledger.books,
    entry_no bigint not null,
    debit ledger.money_amount not null default 0,
    credit ledger.money_amount not null default 0,
    note text,
    primary key (book_id, entry_no),
    constraint one_side check ((debit = 0) <> (credit = 0))
);
alter table ledger.books enable row level security, force row level security;
alter table ledger.entries enable row level security;
create policy this_book on ledger.books using (id = nullif(current_setting('ledger.book', true), '')::bigint);
create policy this_book on ledger.entries using (book_id = nullif(current_setting('ledger.book', true), '')::bigint);

reset role;
insert into ledger.books values (1, 'Acme'), (2, 'Globex');
insert into ledger.entries values (1, 1, 100, 0, 'SECRET bribe'), (2, 1, 0, 5, 'own entry');
