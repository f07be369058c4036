"""Write the first migration of every module anew from the declared tree: `make baselines`.

For maintainers, before a release is out: applied migrations are frozen, so once anybody runs a baseline its changes
come as migrations of their own (`dbkit migrate new`).
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from dbkit.config import load_config
from dbkit.errors import EXIT_ERROR, DbkitError
from dbkit.migrate.draft import write_baseline
from dbkit.source import module_order

FIRST = datetime(2026, 11, 21)
AUTHOR = "dbkit"


def main() -> None:
    """One minute between the modules: a line's baseline is later than those of the lines it needs."""
    config = load_config()
    for number, module in enumerate(module_order(config)):
        version = (FIRST + timedelta(minutes=number)).strftime("%Y%m%d%H%M%S")
        print(config.display(write_baseline(config, module, version, AUTHOR)))


if __name__ == "__main__":
    try:
        main()
    except DbkitError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_ERROR)
