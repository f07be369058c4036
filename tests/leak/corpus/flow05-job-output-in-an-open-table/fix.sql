revoke select on iot.task_run from io_api;
