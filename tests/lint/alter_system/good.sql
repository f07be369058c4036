alter role app_user set work_mem = '64MB';
alter database postgres set work_mem = '64MB';
