do $$ begin
 alter table "app"."orders" add constraint "orders_tenant_id_fk" -- finding
  foreign key ("tenant_id") references "app"."tenants"("id") on delete cascade;
exception
 when duplicate_object then null;
end $$;
