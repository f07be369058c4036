select 'before quit';
\q
select 'never';
