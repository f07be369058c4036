drop schema if exists old_app; -- finding
drop schema app; -- finding
