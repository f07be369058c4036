"""The proof tests itself: `mutants` breaks one thing at a time, `run` proves each broken clone, `survivors` explains.

`mutants` asks `policies`, `privileges`, `keys` and `functions` for the ways to break a catalog, weighed by `reach`;
`conditions` finds the operands of conditions in bodies; `render` makes the report.
"""

from __future__ import annotations

from dbkit.leak.mutate.mutants import Mutant, find_mutants

__all__ = ["Mutant", "find_mutants"]
