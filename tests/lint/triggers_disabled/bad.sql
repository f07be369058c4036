alter table app.docs disable trigger all; -- finding
set local session_replication_role = replica; -- finding
