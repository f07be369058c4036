drop table if exists app.docs, app.events; -- finding
drop table app.orders cascade; -- dbkit: allow drop_cascade because that is another case
-- ^ finding
