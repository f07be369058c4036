\set end ';'
select 'one' :end
select 'two';
