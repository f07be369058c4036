"""Pieces of SQL that the catalog queries share; each returns text to put into a query."""

from __future__ import annotations

__all__ = ["acl", "column_names", "function_name", "own", "relation_name", "sorted_array"]


def own(catalog: str, oid: str) -> str:
    """Condition: the object is not a member of an extension."""
    return (
        "not exists (select from pg_depend as member"
        f" where member.classid = '{catalog}'::regclass and member.objid = {oid} and member.deptype = 'e')"
    )


def acl(column: str, kind: str, owner: str) -> str:
    """The effective acl as text[]: NULL means the built-in default, which is written out."""
    return f"coalesce({column}, acldefault('{kind}', {owner}))::text[]"


def sorted_array(array: str) -> str:
    return f"array(select item from unnest({array}) as item order by item)"


def relation_name(oid: str) -> str:
    return (
        "(select quote_ident(named_schema.nspname) || '.' || quote_ident(named.relname) from pg_class as named"
        f" join pg_namespace as named_schema on named_schema.oid = named.relnamespace where named.oid = {oid})"
    )


def function_name(oid: str) -> str:
    return (
        "(select quote_ident(named_schema.nspname) || '.' || quote_ident(named.proname)"
        " || '(' || oidvectortypes(named.proargtypes) || ')' from pg_proc as named"
        f" join pg_namespace as named_schema on named_schema.oid = named.pronamespace where named.oid = {oid})"
    )


def column_names(relation: str, numbers: str) -> str:
    return (
        f"array(select a.attname::text from unnest({numbers}) with ordinality as key(number, place)"
        f" join pg_attribute as a on a.attrelid = {relation} and a.attnum = key.number order by key.place)"
    )
