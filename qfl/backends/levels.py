"""The backend "levels": exact QAOA under the Grover mixer by distinct costs, for any n."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends.exact import Values, check_options, check_shots
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.core.ports import Capabilities, Objective
from qfl.simulators.blocks import Block, rows
from qfl.simulators.grover import Spectrum
from qfl.simulators.levels import Levels

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LevelsBackend:
    """Exact values, gradients and samples from one amplitude per distinct cost.

    States of equal cost keep equal amplitudes under the Grover mixer, so only the number of states
    of each cost is needed. It is counted exactly, and refused where too much can be told apart:
    costs should take few values, and variables be alike or coupled to few others.

    Attributes:
        limit: beginnings of states that the count may tell apart.
        precision: of the amplitudes; costs and probabilities are always double.
    """

    limit: int = 1 << 16
    precision: Literal["double", "single"] = "double"
    capabilities: Capabilities = field(
        default=Capabilities("levels", exact=True, mixers=("grover",)), init=False, repr=False
    )

    def __post_init__(self) -> None:
        check_options(self.capabilities.name, self.precision, "cpu")
        if isinstance(self.limit, bool) or not isinstance(self.limit, int) or self.limit < 1:
            raise ConfigError(f"limit must be a whole number >= 1, got {self.limit!r}")

    def compile(self, ansatz: QaoaAnsatz) -> LevelsCompiled:
        """Return the ansatz ready to run; counts the states of each cost.

        Raises:
            BackendError: another mixer, or a warm start, which tells states of one cost apart.
            CapacityError: the count exceeds `limit`.
        """
        if ansatz.mixer != "grover" or ansatz.initial is not None:
            start = "a warm start" if ansatz.initial is not None else "the uniform start"
            raise BackendError(
                f"backend 'levels' runs mixer 'grover' from the uniform start, got mixer "
                f"{ansatz.mixer!r} from {start}; use backend 'subspace'"
            )
        levels = Levels(ansatz, limit=self.limit)
        engine = Spectrum(levels.values, levels.counts, precision=self.precision)
        return LevelsCompiled(ansatz, levels, Values(engine, ansatz.depth))


class LevelsCompiled:
    """One ansatz by its distinct costs; angles are (..., 2, depth), gammas then betas."""

    def __init__(self, ansatz: QaoaAnsatz, levels: Levels, values: Values) -> None:
        self.levels, self._ansatz, self._values = levels, ansatz, values

    def expectation(self, angles: ArrayLike, *, objective: Objective | None = None) -> Floats:
        """Return the objective (default: mean cost), shape (...)."""
        return self._values.expectation(angles, objective=objective)

    def value_and_gradient(
        self, angles: ArrayLike, *, objective: Objective | None = None
    ) -> tuple[Floats, Floats]:
        """Return the objective (default: mean cost), shape (...), and its gradient (..., 2, p)."""
        return self._values.value_and_gradient(angles, objective=objective)

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], Floats]:
        """Return all states (m, n), as "subspace" orders them, and their probabilities (m,).

        Raises:
            CapacityError: more than 2^22 states; `level_distribution` lists costs instead.
        """
        mass = self._values.probabilities(angles)
        count = sum(self.levels.counts)
        if count > _LISTED:
            raise CapacityError(
                f"{len(mass)} costs are shared by more than {_LISTED:,} states, which are not "
                "listed; ask for level_distribution, or sample"
            )
        blocks, ranks = Block.all_of(self._ansatz), np.arange(count)
        bits = (ranks[:, None] >> np.arange(self._ansatz.n)) & 1
        states = rows(blocks, ranks) if blocks else bits.astype(np.uint8)
        each = mass / np.array(self.levels.counts, dtype=np.float64)
        return states, each[self.levels.of(states)]

    def level_distribution(self, angles: ArrayLike) -> tuple[Floats, Floats]:
        """Return the distinct costs (m,), ascending, and the probability of each (m,)."""
        return self.levels.values, self._values.probabilities(angles)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` independent measurements at one angle set."""
        check_shots(shots)
        mass = self._values.probabilities(angles)
        drawn = rng.multinomial(shots, mass / mass.sum())
        return Counts.of(self.levels.draw(np.repeat(np.arange(len(mass)), drawn), rng))


_LISTED = 1 << 22
