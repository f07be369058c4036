"""What a row of a partitioned table has to hold so that one of its partitions takes it."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.session import Session
from dbkit.tenancy.relations import Check, Table, literal

__all__ = ["partition_bounds"]

_BOUNDS = """
select pg_get_partition_constraintdef(leaf.relid),
    (select string_agg(distinct a.attname, ',') from pg_partition_tree({root}::regclass) t
     join pg_partitioned_table p on p.partrelid = t.relid
     join pg_attribute a on a.attrelid = t.relid and a.attnum = any (p.partattrs::int2[]))
from pg_partition_tree({root}::regclass) leaf
where leaf.isleaf and pg_get_partition_constraintdef(leaf.relid) is not null
order by leaf.relid desc
"""


def partition_bounds(session: Session, table: Table) -> Iterator[Check]:
    """The bounds of each partition that has some, the youngest first, as a CHECK of the partitioned table would say
    them; none where the key is an expression."""
    for bounds, columns in session.must(_BOUNDS.format(root=literal(table.sql))).rows:
        if bounds and columns:
            yield Check("", tuple(columns.split(",")), bounds)
