create table app.accounts_copy (like app.accounts including all); -- finding
create table app.accounts_backup as select * from app.accounts; -- finding
