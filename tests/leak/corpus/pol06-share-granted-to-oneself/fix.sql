drop policy sh_add on files.shares;
revoke insert on files.shares from files_app;
