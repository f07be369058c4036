-- Two values the type calls equal may still be stored and shown differently (citext 'a' and 'A', numeric 1.0 and 1.00, json without any
-- equality at all). Where B-tree equality is known to mean identity, the type's own comparison is the fastest; else the images are compared.

create or replace function core.audit_comparison(p_table regclass, p_column name) returns text
    language sql stable parallel safe
begin atomic
    select case
               when exists (
                select
                  from pg_opclass as c
                  join pg_amproc as p on p.amprocfamily = c.opcfamily and p.amproclefttype = c.opcintype and p.amprocnum = 4
                 where c.opcmethod = (select m.oid from pg_am as m where m.amname = 'btree')
                   and c.opcdefault
                   -- text and varchar share operators
                   and c.opcintype = case t.base when 'varchar'::regtype then 'text'::regtype else t.base end
                   and (p.amproc = 'btequalimage(oid)'::regprocedure
                        or p.amproc = 'btvarstrequalimage(oid)'::regprocedure and t.is_deterministic))
                 -- a declared scale leaves one way to write a number
                 or t.base = 'numeric'::regtype and t.modifier >= 0
               then format('o.%1$s is distinct from n.%1$s', core.audit_name(p_column))
               else format('row(o.%1$s)::record operator(pg_catalog.*<>) row(n.%1$s)::record', core.audit_name(p_column))
           end
      from pg_attribute as a
      join lateral (
        with recursive domain (base, modifier) as (
            select a.atttypid, a.atttypmod
             union all
            select d.typbasetype, case when domain.modifier >= 0 then domain.modifier else d.typtypmod end
              from domain
              join pg_type as d on d.oid = domain.base and d.typtype = 'd'
        )
        select domain.base::regtype as base,
               domain.modifier,
               coalesce((select c.collisdeterministic from pg_collation as c where c.oid = a.attcollation), true) as is_deterministic
          from domain
          join pg_type as b on b.oid = domain.base and b.typtype <> 'd'
      ) as t on true
     where a.attrelid = p_table
       and a.attname = p_column;
end;

revoke execute on function core.audit_comparison(regclass, name) from public;

comment on function core.audit_comparison(regclass, name) is
    'SQL that tells whether a column of the row aliases o and n differs, down to how it is stored. Internal. Errors: none.';
