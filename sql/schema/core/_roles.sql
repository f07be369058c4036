-- Cluster roles and the grants between them. A DBA runs this once per database (`dbkit bootstrap`); running it again changes nothing.
-- It needs CREATEROLE and the right to grant CREATE on the database, not a superuser: what a hosted DBA may not grant is skipped with a warning.
-- No role an application can reach may bypass row security; owner and definer pass by the policy `system_all` of each table instead.

do $roles$
declare
    v_role   record;
    v_grant  record;
    v_unsafe text;
begin
    for v_role in
        select *
          from (values
            ('app_owner',          'nologin',           'Owns schemas, tables and views. DDL and data migrations run as this role.'),
            ('app_definer',        'nologin',           'Owns the reviewed SECURITY DEFINER functions and the materialized views.'),
            ('app_user',           'nologin',           'What requests run as: DML through row security, EXECUTE on app functions.'),
            ('app_renter',         'nologin',           'What the renter portal runs as: renter policies and portal functions only.'),
            ('app_anon',           'nologin',           'Before sign-in: EXECUTE on the functions marked anon, no table grants.'),
            ('app_worker',         'nologin',           'Queue and outbox functions, no business-table grants.'),
            ('app_readonly',       'nologin',           'SELECT through row security, for reports and read replicas.'),
            ('app_monitor',        'nologin',           'Health, metrics and monitoring views.'),
            ('app_platform_admin', 'nologin',           'Administrative functions of each system, through row security.'),
            -- NOINHERIT: a login reaches the roles behind the gate by SET ROLE only. A login that inherited app_user and app_renter
            -- would have the policies of both OR-ed together.
            ('app_gate',           'nologin noinherit', 'Lets an application login SET ROLE to app_renter or app_anon without inheriting them.'),
            ('app_login_a',        'login',             'Application login; alternates with app_login_b when credentials rotate.'),
            ('app_login_b',        'login',             'Application login; alternates with app_login_a when credentials rotate.'),
            ('dbkit_migrator',     'login',             'Runs migrations and seeds by SET ROLE to app_owner or app_definer.'),
            ('dbkit_backup',       'login',             'pg_dump only; the one role that may bypass row security.')
          ) as role (name, attributes, comment)
    loop
        if not exists (select from pg_catalog.pg_roles as r where r.rolname = v_role.name) then
            begin
                execute pg_catalog.format('create role %I %s', v_role.name, v_role.attributes);
                execute pg_catalog.format('comment on role %I is %L', v_role.name, v_role.comment);
            exception
                -- Roles belong to the cluster: a bootstrap of another database may have been faster.
                when duplicate_object or unique_violation then null;
            end;
        end if;
    end loop;

    select pg_catalog.string_agg(r.rolname, ', ' order by r.rolname)
      into v_unsafe
      from pg_catalog.pg_roles as r
     where r.rolname in ('app_owner', 'app_definer', 'app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly',
                         'app_monitor', 'app_platform_admin', 'app_gate', 'app_login_a', 'app_login_b', 'dbkit_migrator')
       and (r.rolsuper or r.rolbypassrls);
    if v_unsafe is not null then
        raise exception 'existing roles bypass row security: %', v_unsafe
            using errcode = 'invalid_role_specification',
                  hint = 'Run: alter role <name> nosuperuser nobypassrls; then bootstrap again.';
    end if;

    for v_grant in
        select *
          from (values
            -- app_owner gives functions to app_definer, and runs them while it builds
            ('app_definer', 'app_owner'),
            ('app_owner',   'dbkit_migrator'),
            ('app_definer', 'dbkit_migrator'),
            ('app_user',    'app_login_a'),
            ('app_user',    'app_login_b'),
            ('app_gate',    'app_login_a'),
            ('app_gate',    'app_login_b'),
            ('app_renter',  'app_gate'),
            ('app_anon',    'app_gate')
          ) as membership (granted, member)
    loop
        if not exists (
            select
              from pg_catalog.pg_auth_members as m
             where m.roleid = pg_catalog.to_regrole(v_grant.granted)
               and m.member = pg_catalog.to_regrole(v_grant.member)
        ) then
            execute pg_catalog.format('grant %I to %I', v_grant.granted, v_grant.member);
        end if;
    end loop;

    -- Predefined roles and BYPASSRLS are not every DBA's to give.
    for v_grant in
        select *
          from (values
            ('pg_monitor',        'app_monitor',  'monitoring views show less'),
            ('pg_read_all_stats', 'app_definer',  'alerts on connections and transactions see less'),
            ('pg_read_all_data',  'dbkit_backup', 'pg_dump as dbkit_backup fails')
          ) as membership (granted, member, consequence)
    loop
        if not pg_catalog.pg_has_role(v_grant.member, v_grant.granted, 'member') then
            begin
                execute pg_catalog.format('grant %I to %I', v_grant.granted, v_grant.member);
            exception
                when insufficient_privilege then
                    raise warning '% was not granted to %: %', v_grant.granted, v_grant.member, v_grant.consequence;
            end;
        end if;
    end loop;

    if not (select r.rolbypassrls from pg_catalog.pg_roles as r where r.rolname = 'dbkit_backup') then
        begin
            alter role dbkit_backup bypassrls;
        exception
            when insufficient_privilege then
                raise warning 'dbkit_backup may not bypass row security: dump with the provider''s own backup instead';
        end;
    end if;

    execute pg_catalog.format('grant create on database %I to app_owner', pg_catalog.current_database());
end
$roles$;
