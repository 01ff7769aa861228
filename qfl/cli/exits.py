"""Exit codes, and which one wins when several apply."""

from __future__ import annotations

import errno
from enum import IntEnum

from qfl.core.errors import DiskFullError, QflError


class Exit(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    GATE = 4
    INTERRUPTED = 130


_FIRST = (Exit.USAGE, Exit.INTERRUPTED, Exit.GATE, Exit.FAILED, Exit.PENDING)


DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""System errors that mean a full disk."""


def worst(*codes: Exit) -> Exit:
    """Return the code that a command reports when all of `codes` apply.

    >>> worst(Exit.PENDING, Exit.FAILED).name, worst().name
    ('FAILED', 'DONE')
    """
    return next((code for code in _FIRST if code in codes), Exit.DONE)


def code_of(error: QflError) -> Exit:
    """Return the exit code of an error that ended a command.

    Cells that could not be stored are FAILED; whatever else stops a command was asked wrongly.
    """
    return Exit.FAILED if isinstance(error, DiskFullError) else Exit.USAGE
