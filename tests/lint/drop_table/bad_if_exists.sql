drop table if exists app.docs; -- finding
drop table if exists elsewhere.docs; -- finding
