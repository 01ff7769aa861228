"""Threshold search: the phase marks every x better than a threshold, the Grover mixer amplifies.

With beta = gamma = pi a layer is one Grover rotation, so the whole state is one angle and the
simulation is exact at any size that can be enumerated. The threshold is the best energy seen so
far (Grover adaptive search). The oracle is arithmetic on a cost register and is not compiled here:
depth and gates on the bill are those of the preparation and the reflections of the longest circuit,
a lower bound, and the record says so. Oracle calls are on the bill as evaluations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import QaoaAnsatz, resources
from circuits.spec import Resources
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
        needs = reflections(problem, max(calls))
        bill = Bill(
            evaluations=sum(calls) + found.evaluations,
            shots=self.shots,
            qubits=needs.qubits,
            depth=needs.depth,
            two_qubit_gates=needs.two_qubit_gates,
            qpu_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem,
            found.x,
            solver="threshold",
            bill=bill,
            diagnostics={
                "oracle_calls": float(sum(calls)),
                "circuit": f"without oracle and cost register; at most {max(calls)} calls a shot",
                **found.diagnostics,
            },
        )

    def _search(
        self, energies: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[list[int], list[int]]:
        """Return the indices of the measured states and how often each circuit calls the oracle."""
        order = np.argsort(energies, kind="stable")
        ranked = energies[order]
        reach, calls = 1.0, [0]
        seen = [int(rng.integers(len(energies)))]
        marked = int(np.searchsorted(ranked, energies[seen[0]]))
        for _ in range(self.shots - 1):
            rotations = int(rng.integers(math.ceil(reach)))
            calls.append(rotations)
            better = rng.random() < marked_probability(len(energies), marked, rotations)
            low, high = (0, marked) if better else (marked, len(energies))
            seen.append(int(order[rng.integers(low, high)]))
            if better:
                marked, reach = int(np.searchsorted(ranked, energies[seen[-1]])), 1.0
            else:
                reach = min(self.growth * reach, math.sqrt(len(energies)))
        return seen, calls


def reflections(problem: Problem, rotations: int) -> Resources:
    """Return what preparing the feasible states and reflecting about them takes, oracles left out.

    Where inequalities hold on top, the states of the blocks alone are prepared: a lower bound too.
    """
    return resources(
        QaoaAnsatz(
            constant=0.0,
            linear=np.zeros(problem.n),
            quadratic=np.zeros((problem.n, problem.n)),
            mixer="grover",
            depth=rotations,
            blocks=problem.constraint.blocks(problem.n),
        )
    )


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
