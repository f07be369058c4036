create temporary table stage (price float8, at timestamp, code char(3), note varchar(10), doc json);
