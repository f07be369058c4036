begin;
set local desk.team = '2';
select 'CONTROL OK' from desk.tickets where subject = 'own subject';
select 'LEAK another team is at work' where desk.anybody_online();
rollback;
