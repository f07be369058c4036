-- core.connection_usage: connections of each database, and of the whole server in the row without a database.

create view core.connection_usage with (security_invoker = true) as
with server as (
    select current_setting('max_connections')::integer as max_connections,
           current_setting('superuser_reserved_connections')::integer
           -- since PostgreSQL 16
           + coalesce(current_setting('reserved_connections', true), '0')::integer as reserved
),
sessions as (
    select a.datname,
           count(*)::integer as used,
           count(*) filter (where a.state = 'active')::integer as active,
           count(*) filter (where a.state like 'idle in transaction%')::integer as idle_in_transaction,
           -- the row of the whole server has the most
           (max(count(*)) over ())::integer as used_in_all
      from pg_catalog.pg_stat_activity as a
     where a.backend_type = 'client backend'
     group by grouping sets ((a.datname), ())
)
select s.datname as database_name,
       s.used,
       s.active,
       s.idle_in_transaction,
       least(case when d.datconnlimit >= 0 then d.datconnlimit end, server.max_connections) as max_connections,
       server.reserved,
       greatest(0, least(case when d.datconnlimit >= 0 then d.datconnlimit - s.used end,
                         server.max_connections - server.reserved - s.used_in_all)) as available
  from sessions as s
 cross join server
  left join pg_catalog.pg_database as d on d.datname = s.datname;

comment on view core.connection_usage is 'Connections used, free and reserved, per database; database_name is null in the row of the whole server.';
comment on column core.connection_usage.max_connections is 'Limit of the database where it has one, else of the server.';
comment on column core.connection_usage.reserved is 'Connections only superusers and the roles of reserved_connections get.';
comment on column core.connection_usage.available is 'What is left for everybody else: of the server, and of the database where it has a limit.';
