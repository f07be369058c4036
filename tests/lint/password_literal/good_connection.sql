create subscription crm
    connection 'service=crm passfile=/etc/crm.pass' publication crm with (connect = false);
alter subscription crm connection 'host=db1 user=repl password=${CRM_PASSWORD}';
select dblink_exec('crm', 'select 1');
