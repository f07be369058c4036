select cron.schedule('clean', '0 3 * * *', 'delete from app.docs where id < 10; analyze app.docs');
select cron.schedule('vacuum', '30 3 * * *', 'vacuum app.docs;');
select cron.schedule('note', '30 3 * * *', $x$insert into app.docs (id, body) values (1, 'vacuum; vacuum')$x$);
