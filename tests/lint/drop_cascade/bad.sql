alter table app.docs drop constraint docs_pkey cascade; -- finding
drop function app.current_tenant() cascade; -- finding
