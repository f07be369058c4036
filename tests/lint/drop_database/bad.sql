-- migrate:up transaction:false
drop database if exists reports; -- finding
