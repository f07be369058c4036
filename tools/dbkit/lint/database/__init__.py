"""The defects a live database can have, a module each; `dbkit.lint.live` says what such a module holds."""
