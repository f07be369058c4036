-- Phase: expand

alter table app.docs add column tenant_id uuid;
