"""`dbkit lint`: find defects in SQL files before a server sees them.

files (series, sections) → parse (trees) → state (replay) → rules (one a file) → allowances → findings.
"""
