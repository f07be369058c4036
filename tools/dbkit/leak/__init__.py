"""`dbkit leak`: prove on a disposable database that no tenant reaches another.

`synthesis` makes rows of two tenants, `contexts` says in which states a caller can come, `statements` writes the
attacks, `judge` weighs each answer beside its control, `checks` reads the catalog, `proof` runs it all, `render`
reports. `clone` copies the schema of a given database, which is only read.
"""

from dbkit.leak.proof import Proof, prove, read_model

__all__ = ["Proof", "prove", "read_model"]
