begin;
set local report.tenant = 'globex';
select 'CONTROL OK' from report.figures where figure = 222;
select 'LEAK figure ' || f from report.figures_of('2026-01-01') f where f = 111;
rollback;
