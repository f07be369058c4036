"""`dbkit test`: pgTAP files in, judged TAP out.

The flow: `pgtap` puts pgTAP into a template, `isolation` reads what a file leaves behind, `runner` gives every worker
its own clones, `engine` runs one file the way psql would, `parse` reads the TAP it printed, `report` shows it.
"""
