"""Every error the suite raises on purpose, in one tree.

    QflError
    ├── ConfigError              a study file or an option is wrong                (exit 2)
    │   ├── UnknownNameError     a name that no registry row carries
    │   ├── DataError            a data set on this machine is damaged, or is another one
    │   └── StudyError           everything that is wrong in one study, in one message
    ├── ProblemError             a cost, constraint or decision makes no sense
    ├── CapacityError            the instance does not fit the machine or the backend
    ├── BackendError             a backend cannot do what was asked of it
    │   ├── JobPendingError      a machine still works on it; collect it later      (exit 3)
    │   ├── JobRefusedError      a machine did not take a job; nothing was spent
    │   ├── JobFailedError       a machine gave a job up; nothing was measured
    │   └── JobDamagedError      a machine is done, but its result did not arrive whole
    ├── MissingExtraError        an optional dependency is not installed
    ├── ModuleMismatchError      module keys or shapes differ between client and server
    ├── StoreError               a run on disk is damaged or contradicts itself
    │   └── DiskFullError        no space left; what was stored is safe
    └── SecurityError            something on a channel failed closed
        ├── KeyExhaustedError    not enough key bits: nothing was spent
        ├── UnknownKeyError      a key id that was never issued to this end, or was used before
        ├── SessionAbortedError  a key exchange stopped before any key was delivered
        ├── CohortError          too few clients are left to unmask a sum; nothing was revealed
        └── TamperedError        an envelope did not authenticate

A message states what is wrong, the value seen, what is allowed and the next step.
Nothing but the standard library may be imported here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class QflError(Exception):
    """Base of every error raised on purpose; `except QflError` never hides a bug."""


class ConfigError(QflError):
    """A study file, an option or an argument of a command is wrong."""


class UnknownNameError(ConfigError):
    """A name that no row of a registry carries; the message lists the rows."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        allowed = sorted(allowed)
        super().__init__(
            f"unknown {kind} {name!r}{nearest(name, allowed)}; allowed: {', '.join(allowed)}"
        )


class DataError(ConfigError):
    """The files of a data set on this machine are damaged, or are not what the catalogue says."""


class StudyError(ConfigError):
    """Everything that is wrong in one study.

    Attributes:
        source: the file, or the name of a study built in Python.
        issues: (dotted key, what is wrong and what is allowed) of each error.
    """

    def __init__(self, source: str, issues: Iterable[tuple[str, str]]) -> None:
        self.source = source
        self.issues = tuple(issues)
        count = "1 error" if len(self.issues) == 1 else f"{len(self.issues)} errors"
        lines = [f"  {key}: {message}" if key else f"  {message}" for key, message in self.issues]
        super().__init__("\n".join([f"{source}: {count}", *lines]))


class ProblemError(QflError):
    """A cost, a constraint or a decision makes no sense."""


class CapacityError(QflError):
    """The instance does not fit the memory of the machine or the qubits of the backend."""


class BackendError(QflError):
    """A backend cannot do what was asked of it."""


class JobPendingError(BackendError):
    """A job waits at a machine, or may wait there; nothing is lost and nothing is sent again."""


class JobRefusedError(BackendError):
    """A machine answered that it does not take a job; it may be sent again."""


class JobFailedError(BackendError):
    """A machine gave a job up: it failed or was cancelled, and nothing was measured."""


class JobDamagedError(BackendError):
    """A machine has done a job, but its result did not arrive whole; fetch it again."""


class MissingExtraError(QflError):
    """An optional dependency is not installed; the message carries the command that does it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra {extra!r}: pip install 'qfl[{extra}]'")


class ModuleMismatchError(QflError):
    """Module keys or tensor shapes differ between a client and the server."""


class StoreError(QflError):
    """A run on disk is damaged or contradicts itself."""


class DiskFullError(StoreError):
    """No space is left; what was stored before is safe."""


class SecurityError(QflError):
    """Something on a channel failed, and failed closed."""


class KeyExhaustedError(SecurityError):
    """Not enough key bits on a link; nothing was spent."""


class UnknownKeyError(SecurityError):
    """No key with this id waits for this end: never issued to it, or used before."""


class SessionAbortedError(SecurityError):
    """A key exchange stopped before any key was delivered."""


class CohortError(SecurityError):
    """Too few clients are left to unmask a sum; nothing was revealed."""


class TamperedError(SecurityError):
    """An envelope did not authenticate; no plaintext was released."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the closest allowed name, or an empty string.

    >>> nearest("qoaa", ["qaoa", "greedy"])
    " (did you mean 'qaoa'?)"
    """
    matches = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
