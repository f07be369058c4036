revoke execute on function ops.running() from public;
