"""Migrations: find the files, compare them with the ledger, run what is pending, undo, check.

`files` and `layouts` read folders, `ledger` is what the database remembers, `plan` compares both, `runner` acts,
`steps` runs files that cannot be one transaction, `verify` judges.
"""
