create schema fresh;
alter schema fresh rename to stale;
