"""dbkit: a database-first SQL toolkit for multi-tenant PostgreSQL.

One flow, four nouns: a *file* becomes a *database*, a database becomes a *snapshot*, and every command ends in
*findings*. Each module of this package is one step of that flow; its docstring says which.
"""

__version__ = "0.1.0"
