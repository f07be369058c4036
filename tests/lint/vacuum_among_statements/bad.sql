select cron.schedule('clean', '0 3 * * *', 'delete from app.docs where id < 10; vacuum app.docs'); -- finding
