select cron.schedule('a', '0 3 * * *', 'select 1');
select cron.schedule('*/5 8-18 1,15,$ jan-mar mon-fri', 'select 1');
select cron.schedule('b', '@daily', 'select 1');
select cron.schedule('c', '30 seconds', 'select 1');
select cron.schedule('d', current_setting('server_version'), 'select 1');
select app.schedule('e', 'whenever', 'select 1');
