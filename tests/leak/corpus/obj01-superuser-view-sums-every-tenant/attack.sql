begin;
set local metrics.project = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from metrics.daily where peak = 42;
select 'LEAK peak ' || peak from metrics.daily where peak = 41;
rollback;
