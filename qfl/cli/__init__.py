"""The command line: one file per command, and the only place that prints.

stdout is for machines (tables become tab-separated when piped), stderr for people. Exit codes:
0 done, 1 some cells failed or could not be stored, 2 bad usage, config or a damaged run,
3 hardware jobs pending, 4 a gate failed, 130 interrupted. When several apply, the first of 2,
130, 4, 1, 3. typer and rich are imported here and nowhere else; commands import the rooms they
need when called, so that `qfl --help` stays quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qfl.study import Study

COMMANDS = (
    "demo",
    "run",
    "status",
    "estimate",
    "fetch",
    "replay",
    "report",
    "diff",
    "listing",
    "validate",
    "schema",
    "doctor",
    "data",
    "verify",
    "export",
    "kme",
)
"""Modules that register a command, in the order in which `qfl --help` shows them."""


def main(study: Study | None = None) -> None:
    """Run the command line on `sys.argv`; given a study, run it with the options of `qfl run`.

    A script that ends with `main(study)` is a second front door to the same cells. Worker
    processes import such a script again; in them this does nothing.
    """
    if "--multiprocessing-fork" in sys.orig_argv:
        return
    from qfl.cli.app import app
    from qfl.cli.exits import DISK_FULL, Exit, code_of
    from qfl.core.errors import QflError

    for command in COMMANDS:
        import_module(f"qfl.cli.{command}")
    arguments = sys.argv[1:] if study is None else ["run", study.name, *sys.argv[1:]]
    try:
        try:
            app(arguments, obj=study)
        finally:
            sys.stdout.flush()
    except QflError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(code_of(error))
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        sys.stdout = None  # what it still holds cannot be written, and would be tried at exit
        print("error: no space left for the output of this command", file=sys.stderr)
        sys.exit(Exit.FAILED)


__all__ = ["main"]
