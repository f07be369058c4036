-- finding: app.close(bigint)
create schema app;
create function app.close(id bigint) returns void language plpgsql security definer as $fn$ begin end $fn$;
revoke execute on function app.close from public;
