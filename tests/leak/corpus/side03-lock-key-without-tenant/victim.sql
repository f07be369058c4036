begin;
set local lk.t = 'acme';
select lk.try_lock(7);
