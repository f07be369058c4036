create or replace rule apply_change as on insert to price.changes
    do also update price.articles set price = new.new_price where code = new.code and tenant_id = new.tenant_id;
