\set tenant 1
-- ^ finding
\echo hello
-- ^ finding
comment on schema app is 'x';
