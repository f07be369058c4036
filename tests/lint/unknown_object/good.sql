alter table app.accounts add column region text;
alter table if exists app.nothing add column region text;
alter table elsewhere.things add column region text;
alter index app.orders_account_id_idx set (fillfactor = 90);

do $$
begin
    execute 'create table app.made_there (id bigint primary key)';
end $$;
alter table app.made_there add column region text;
