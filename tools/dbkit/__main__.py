"""`python -m dbkit` is the console script `dbkit`."""

from dbkit.cli import main

if __name__ == "__main__":
    main()
