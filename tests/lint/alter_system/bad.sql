-- migrate:up transaction:false
alter system set work_mem = '1GB'; -- finding
alter system reset all; -- finding
