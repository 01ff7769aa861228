"""`python -m qfl` is `qfl`."""

from qfl.cli import main

if __name__ == "__main__":
    main()
