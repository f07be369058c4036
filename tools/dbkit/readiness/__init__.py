"""`dbkit readiness`: measure on a disposable server whether a platform does what was promised of it.

A claim is a TOML file beside its module's tests and the data it speaks of (`[readiness]` in dbkit.toml names it): its
criteria, and for each the checks that measure it. `declaration` reads it, `stage` makes the databases, `checks` has one
module for each kind of check, `run` carries them out, `render` shows the table. A new module brings a file, no code.
"""
