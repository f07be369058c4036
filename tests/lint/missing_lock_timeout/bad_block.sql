set statement_timeout = '10s';
do $$ -- finding
begin
    alter table app.docs add column b text;
end
$$;
