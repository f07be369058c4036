alter table app.accounts add column plan text;
alter table app.accounts add colum région text; -- finding
select 1 frm nothing at all;
