-- Setup of core's tests: a tenant table to try the shared guards and triggers on.

create function tests.widgets() returns void
    language plpgsql
as $fn$
begin
    set local role app_owner;
    create table core.widgets (
        tenant_id  uuid not null,
        id         uuid not null default gen_random_uuid(),
        name       text not null,
        size       integer,
        secret     text,
        version    integer not null default 0,
        updated_at timestamptz not null default '2000-01-01',
        deleted_at timestamptz,
        deleted_by uuid,
        constraint widgets_pkey primary key (tenant_id, id),
        constraint widgets_size_positive check (size > 0)
    );
    alter table core.widgets enable row level security;
    alter table core.widgets force row level security;
    create policy system_all on core.widgets
        for all to app_owner, app_definer
        using (true) with check (true);
    create policy select_members on core.widgets
        for select to app_user
        using (tenant_id = (select core.active_tenant_id()) and deleted_at is null);
    create policy insert_members on core.widgets
        for insert to app_user
        with check (tenant_id = (select core.active_tenant_id()));
    create policy update_members on core.widgets
        for update to app_user
        using (tenant_id = (select core.active_tenant_id())) with check (tenant_id = (select core.active_tenant_id()));
    grant select (tenant_id, id, name, size, version, updated_at, deleted_at, deleted_by), insert, update on core.widgets to app_user;
    perform core.attach_tenant_guard('core.widgets', 'tenant_id');
    perform core.attach_touch('core.widgets');
    perform core.attach_soft_delete('core.widgets', 'tenant_id', 'contacts:write');
    create trigger _200_bump_version
        before update on core.widgets
        for each row execute function core.tg_bump_version();
    reset role;
end
$fn$;

comment on function tests.widgets() is
    'A tenant table core.widgets as guard sheets make them: policies, version, soft deletion, one column (secret) nobody reads. '
    'Ends as the superuser of the session. Errors: 42P07 called twice.';
