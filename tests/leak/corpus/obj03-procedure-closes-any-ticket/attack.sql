begin;
set local desk.tenant = 'globex';
call desk.close_tickets('20000000-0000-4000-8000-000000000002');
select 'CONTROL OK' from desk.tickets where subject = 'own ticket' and closed_at is not null;
call desk.close_tickets('10000000-0000-4000-8000-000000000001');
set local desk.tenant = 'acme';
select 'LEAK closed ' || subject from desk.tickets where closed_at is not null;
rollback;
