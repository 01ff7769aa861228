"""Words for people on stderr, tables on stdout: drawn on a terminal, tab-separated in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def say(text: str = "") -> None:
    """Print a line for people."""
    print(text, file=sys.stderr)


def program() -> str:
    """Return how to call this program again: "qfl" where the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if called.name != "qfl" or shutil.which("qfl"):
        return "qfl"
    return os.path.relpath(called)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their column names."""
    texts = [[str(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(columns), *texts]:
            print("\t".join(" ".join(text.split()) for text in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in texts:
        drawn.add_row(*(escape(text) for text in row))
    Console().print(drawn)


def count(number: int, noun: str) -> str:
    """Return the number with its noun.

    >>> count(1, "cell"), count(0, "cell")
    ('1 cell', '0 cells')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Return seconds as people say them.

    >>> duration(0.4), duration(75), duration(7320)
    ('0.4 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
