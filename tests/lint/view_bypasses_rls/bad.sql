create view app.account_list as select id, email from app.accounts; -- finding
create or replace view app.nested as -- finding
    select o.id from app.orders o where exists (select from app.accounts a where a.id = o.account_id);
