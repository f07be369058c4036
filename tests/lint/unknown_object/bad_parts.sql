alter table app.orders drop constraint orders_no_such_check; -- finding
alter table app.orders validate constraint orders_account_fk; -- finding
alter table app.accounts rename constraint accounts_email_key to accounts_mail_key; -- finding
alter table app.docs disable trigger docs_audit; -- finding
drop trigger docs_watch on app.docs; -- finding
alter policy members_read on app.accounts using (tenant_id = (select app.current_tenant())); -- finding
drop policy members_write on app.accounts; -- finding
alter index app.orders_acct_idx rename to orders_by_account_idx; -- finding
comment on index app.orders_place_idx is 'by place'; -- finding
alter function app.current_tenants() cost 10; -- finding
comment on function app.current_tenant(uuid) is 'of a user'; -- finding
insert into app.docs (id) values (1) on conflict on constraint docs_body_key do nothing; -- finding
