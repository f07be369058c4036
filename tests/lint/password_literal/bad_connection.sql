create subscription crm -- finding
    connection 'host=db1 dbname=crm user=repl password=tiger7' publication crm with (connect = false);
select dblink_exec('host=db1 user=repl password=''tiger 7''', 'select 1'); -- finding
