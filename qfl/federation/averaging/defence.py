"""Aggregation that some corrupted clients cannot steer, module by module over its holders.

Rules compare rows: single changes, or under masks the mean changes of cohorts. All rows count
alike. A module with too few rows for the rule stays as it was, and the round says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.core.changes import change_of, changed_by
from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.core.update import Tensors, Update
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.exchange import from_arrays, overlaid, to_update
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture, State
from qfl.security.robust import aggregate_rows

Teacher = Callable[[State], State]
"""The server's modules -> what its own clean samples make of them."""


class Rule(Protocol):
    """How rows become one."""

    @property
    def rule(self) -> str: ...

    def least(self) -> int:
        """Return the fewest rows that the rule can bear."""
        ...

    def combine(
        self, rows: NDArray[np.float64], own: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the aggregate; (d,).

        Args:
            rows: (n, d) changes.
            own: (d,) the server's own change, for rules that trust it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Weighted:
    """The algorithm's own mean, weighted by samples; no options."""

    rule: str = "none"


@dataclass(frozen=True, slots=True)
class Centre:
    """A rule without options: mean, median or geometric_median."""

    rule: str

    def least(self) -> int:
        """Return 1."""
        return 1

    def combine(
        self, rows: NDArray[np.float64], own: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the centre of the rows."""
        return aggregate_rows(self.rule, rows)


@dataclass(frozen=True, slots=True)
class Counting:
    """A rule that is told how many may lie: trimmed_mean, krum, multi_krum or bulyan.

    Attributes:
        rule: its name.
        corrupted: f, of the rows of any module.
    """

    rule: str
    corrupted: int = 2

    def __post_init__(self) -> None:
        if self.corrupted < 0:
            raise ConfigError(f"corrupted is {self.corrupted!r}; allowed: at least 0")

    def least(self) -> int:
        """Return 2f+1 for the trimmed mean, 2f+3 for Krum, 4f+3 for Bulyan."""
        if self.rule == "trimmed_mean":
            return 2 * self.corrupted + 1
        return (4 if self.rule == "bulyan" else 2) * self.corrupted + 3

    def combine(
        self, rows: NDArray[np.float64], own: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return what the rule makes of the rows."""
        return aggregate_rows(self.rule, rows, corrupted=self.corrupted)


@dataclass(frozen=True, slots=True)
class Bounded:
    """The mean of rows that are cut to one norm; clients may do it before they mask.

    Attributes:
        rule: norm_bounded_mean.
        bound: greatest L2 norm of a module's change.
    """

    rule: str
    bound: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.bound < float("inf"):
            raise ConfigError(f"bound is {self.bound!r}; allowed: positive")

    def least(self) -> int:
        """Return 1."""
        return 1

    def combine(
        self, rows: NDArray[np.float64], own: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the mean of the cut rows."""
        return aggregate_rows(self.rule, rows, bound=self.bound)


@dataclass(frozen=True, slots=True)
class Trusting:
    """The server weighs rows by their agreement with a change that it trained itself.

    Attributes:
        rule: fltrust.
        server_samples: clean samples of the server, drawn from the clients' local test splits.
    """

    rule: str
    server_samples: int = 100

    def __post_init__(self) -> None:
        if self.server_samples < 1:
            raise ConfigError(f"server_samples is {self.server_samples!r}; allowed: at least 1")

    def least(self) -> int:
        """Return 1."""
        return 1

    def combine(
        self, rows: NDArray[np.float64], own: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the trusted mean; a server that learnt nothing trusts nobody."""
        if own is None or not own.any():
            return np.zeros(rows.shape[1])
        return aggregate_rows(self.rule, rows, server_update=own)


@dataclass(frozen=True, slots=True, eq=False)
class Defence:
    """One rule at work.

    Attributes:
        rule: how rows become one.
        teach: for rules that need a change of the server's own.
    """

    rule: Rule
    teach: Teacher | None = None

    def aggregate(self, state: State, updates: Sequence[Update]) -> tuple[State, dict[str, str]]:
        """Return the new global modules, and which stayed as they were although sent."""
        before = to_update(state, samples=1)
        taught = to_update(self.teach(state), samples=1) if self.teach else None
        left_out: dict[str, str] = {}
        found: dict[str, Tensors] = {}
        for module in sorted({module for update in updates for module in update.modules}):
            sent = [update for update in updates if module in update.modules]
            if len(sent) < self.rule.least():
                left_out[module] = (
                    f"{len(sent)} changes of it arrived, {self.rule.rule} needs {self.rule.least()}"
                )
                continue
            rows = np.stack([change_of(update, before, [module]) for update in sent])
            own = change_of(taught, before, [module]) if taught else None
            found |= changed_by(before, self.rule.combine(rows, own), [module])
        return overlaid(state, from_arrays(found)), left_out


def clean_samples(spare: Samples, size: int, *, rng: np.random.Generator) -> TensorSamples:
    """Return the server's own samples, drawn from those that nobody trains on."""
    chosen = rng.permutation(len(spare))[:size]
    return TensorSamples.of(spare.take(chosen))


def teacher(
    model: Architecture,
    samples: TensorSamples,
    tasks: tuple[Task, ...],
    training: LocalTraining,
    streams: Streams,
) -> Teacher:
    """Return how the server trains the global modules on samples of its own."""

    def teach(state: State) -> State:
        return train(
            model,
            state,
            samples,
            assignment=Assignment(tasks=tasks, training=training),
            rng=streams("defence/batches"),
        ).state

    return teach
