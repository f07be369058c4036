revoke execute on function notes.purge_trash() from public;
