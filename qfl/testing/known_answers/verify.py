"""Recomputing a table of known answers with the installed code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from qfl.core.errors import ConfigError, QflError
from qfl.testing.known_answers.families import FAMILIES
from qfl.testing.known_answers.inputs import Inputs
from qfl.testing.known_answers.table import KnownAnswer


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out for one row.

    Attributes:
        answer: the row.
        got: what was computed; None if nothing was.
        reason: why the row fails, in words; empty if it passes.
        seconds: real seconds it took.
    """

    answer: KnownAnswer
    got: Any
    reason: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the computed value agrees within the tolerance."""
        return not self.reason


def verify(answers: Iterable[KnownAnswer]) -> Iterator[Verdict]:
    """Yield a verdict per row. A row that cannot be computed fails; it does not end the run.

    >>> from qfl.testing.known_answers.table import KnownAnswer
    >>> row = KnownAnswer("q.r_eff.a", "", {"r": 0.8, "r_random": 0.5}, 0.6, "abs", 1e-12, "")
    >>> [verdict.passed for verdict in verify([row])]
    [True]
    """
    for answer in answers:
        started = perf_counter()
        got, reason = None, ""
        try:
            got = _computed(answer)
        except QflError as error:
            reason = str(error)
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"  # a row is foreign data
        yield Verdict(answer, got, reason or answer.difference(got), perf_counter() - started)


def _computed(answer: KnownAnswer) -> Any:
    given = Inputs(answer.inputs)
    got = FAMILIES.resolve(answer.family)(given)
    if given.unread:
        raise ConfigError(
            f"family {answer.family!r} does not use the inputs {', '.join(given.unread)}"
        )
    return got
