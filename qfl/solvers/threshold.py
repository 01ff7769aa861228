"""Threshold search: the phase marks every x better than a threshold, the Grover mixer amplifies.

With beta = gamma = pi a layer is one Grover rotation, so the whole state is one angle and the
simulation is exact at any size that can be enumerated. The threshold is the best energy seen so
far (Grover adaptive search). The oracle is arithmetic on the cost register and is not compiled
here: the bill counts its calls as evaluations and leaves depth and gates at 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qfl.core.counts import Counts
from qfl.core.decision import Bill, Decision
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.solvers.exact import feasible_energies
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Grover adaptive search over the feasible set.

    Attributes:
        shots: measurements; the first is of the uniform state and sets the first threshold.
        growth: factor by which the range of rotations grows after a failure.
        max_states: the most feasible states that are enumerated to simulate it.
        postprocess: one of POSTPROCESSES.

    Reference:
        Bulger, Baritompa, Wood, J. Optim. Theory Appl. 116 (2003) 517; threshold QAOA:
        Golden, Bartschi, O'Malley, Eidenbenz, arXiv:2106.13860.
    """

    shots: int
    growth: float = 8 / 7
    max_states: int = 2_000_000
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("shots", self.shots)
        check_count("max_states", self.max_states)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)
        if not 1.0 < self.growth < 4 / 3:
            raise ConfigError(f"growth must lie between 1 and 4/3, got {self.growth}")

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best state measured."""
        started = perf_counter()
        states, energies = feasible_energies(problem, max_states=self.max_states)
        seen, calls = self._search(energies, rng)
        found = pick(problem, Counts.of(states[seen]), postprocess=self.postprocess)
        bill = Bill(
            evaluations=calls + found.evaluations,
            shots=self.shots,
            qubits=problem.n,
            qpu_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem,
            found.x,
            solver="threshold",
            bill=bill,
            diagnostics={"oracle_calls": float(calls), **found.diagnostics},
        )

    def _search(
        self, energies: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[list[int], int]:
        """Return the indices of the measured states and the number of oracle calls."""
        order = np.argsort(energies, kind="stable")
        ranked = energies[order]
        reach, calls = 1.0, 0
        seen = [int(rng.integers(len(energies)))]
        marked = int(np.searchsorted(ranked, energies[seen[0]]))
        for _ in range(self.shots - 1):
            rotations = int(rng.integers(math.ceil(reach)))
            calls += rotations
            better = rng.random() < marked_probability(len(energies), marked, rotations)
            low, high = (0, marked) if better else (marked, len(energies))
            seen.append(int(order[rng.integers(low, high)]))
            if better:
                marked, reach = int(np.searchsorted(ranked, energies[seen[-1]])), 1.0
            else:
                reach = min(self.growth * reach, math.sqrt(len(energies)))
        return seen, calls


def marked_probability(feasible: int, marked: int, rotations: int) -> float:
    """Return the probability of a marked state after Grover rotations from the uniform state.

    This is the threshold ansatz with mixer exp(-i beta |D><D|), beta = gamma = pi.

    >>> round(marked_probability(56, 3, 1), 10)
    0.4157252187
    """
    if not 0 <= marked <= feasible or feasible < 1 or rotations < 0:
        raise ConfigError(
            f"need 0 <= marked <= feasible and rotations >= 0, got {marked} of {feasible}, "
            f"{rotations} rotations"
        )
    return math.sin((2 * rotations + 1) * math.asin(math.sqrt(marked / feasible))) ** 2
