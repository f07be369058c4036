"""A running installation, seen and kept going from outside: its schedule, its health, what it is busy with.

`session` opens the connection all of them use, `cron` runs the schedule where pg_cron does not, `health` asks
`core.health_check`, `top` reads the monitoring views for one frame and `screen` draws frames on a terminal.
"""
