create policy readers on app.docs for select to app_user using (body is not null); -- finding

create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
create policy members on "app"."notes" for all to app_user -- finding
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));
