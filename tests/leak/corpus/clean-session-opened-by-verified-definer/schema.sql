create role vault_owner nologin;
create role vault_app login;
create schema vault authorization vault_owner;
grant usage on schema vault to vault_app;
set role vault_owner;
create table vault.secret (
    key bytea not null
);
insert into vault.secret values (decode(md5('a key of this test'), 'hex'));
create table vault.tenants (
    id uuid primary key
);
create table vault.members (
    tenant_id uuid not null references vault.tenants,
    user_id uuid not null,
    primary key (tenant_id, user_id)
);
create table vault.items (
    tenant_id uuid not null references vault.tenants,
    label text not null,
    value text not null,
    primary key (tenant_id, label)
);
create function vault.sign(p_text text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select encode(sha256(s.key || convert_to(p_text || txid_current()::text, 'UTF8') || s.key), 'hex') from vault.secret s
$$;
revoke execute on function vault.sign from public;
create function vault.open_session(p_user uuid, p_tenant uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform 1 from vault.members m where m.user_id = p_user and m.tenant_id = p_tenant;
    if not found then
        raise exception 'not a member' using errcode = 'insufficient_privilege';
    end if;
    perform set_config('vault.session', p_tenant::text || ' ' || vault.sign(p_tenant::text), true);
end $$;
create function vault.tenant() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    parts constant text[] := string_to_array(nullif(current_setting('vault.session', true), ''), ' ');
begin
    if parts is null then
        return null;
    end if;
    if cardinality(parts) <> 2 or parts[2] is distinct from vault.sign(parts[1]) then
        raise exception 'session is not signed' using errcode = 'insufficient_privilege';
    end if;
    return parts[1]::uuid;
end $$;
alter table vault.secret enable row level security;
alter table vault.tenants enable row level security;
alter table vault.members enable row level security;
alter table vault.items enable row level security;
create policy own on vault.tenants for select to vault_app using (id = (select vault.tenant()));
create policy own on vault.items to vault_app using (tenant_id = (select vault.tenant()));
grant select on vault.tenants to vault_app;
grant select, insert, update, delete on vault.items to vault_app;
insert into vault.tenants values ('aa000000-0000-4000-8000-000000000001'), ('bb000000-0000-4000-8000-000000000002');
insert into vault.members values
    ('aa000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001'),
    ('bb000000-0000-4000-8000-000000000002', 'b1000000-0000-4000-8000-000000000002');
insert into vault.items values
    ('aa000000-0000-4000-8000-000000000001', 'SECRET', 'x'), ('bb000000-0000-4000-8000-000000000002', 'own', 'y');
