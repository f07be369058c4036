set etl.space = 'acme';
select etl.take('load');
