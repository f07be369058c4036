alter table app.docs add column public_id uuid default gen_random_uuid(); -- finding

create function app.code() returns text language sql set search_path = '' return md5(random()::text);
alter table app.docs add column code text not null default app.code(); -- finding
