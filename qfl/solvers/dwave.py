"""Penalty annealing by dwave-samplers (extra "dwave"): the fair opponent of penalty QAOA."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import dimod
import numpy as np
from dwave.samplers import SimulatedAnnealingSampler, SteepestDescentSampler

from qfl.core.counts import Counts
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.solvers.encoding import encode
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, pick

SAMPLERS = ("annealing", "descent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwave:
    """Single-flip sampling of the penalised objective.

    Attributes:
        reads: independent runs, each giving one sample.
        sweeps: of one annealing run; each sweep proposes every flip once. Descent stops by itself.
        sampler: "annealing" or "descent" (from random states).
        penalty: a weight, or a rule of encoding.PENALTY_RULES.
        postprocess: one of POSTPROCESSES.
    """

    reads: int
    sweeps: int = 100
    sampler: str = "annealing"
    penalty: float | str = "largest_flip"
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("reads", self.reads)
        check_count("sweeps", self.sweeps)
        check_choice("sampler", self.sampler, SAMPLERS)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best feasible of `reads` samples."""
        started = perf_counter()
        encoding = encode(problem, "x", penalty=self.penalty)
        model, seed = quadratic_model(encoding.qubo), int(rng.integers(2**31))
        if self.sampler == "annealing":
            drawn = SimulatedAnnealingSampler().sample(
                model, num_reads=self.reads, num_sweeps=self.sweeps, seed=seed
            )
        else:
            drawn = SteepestDescentSampler().sample(model, num_reads=self.reads, seed=seed)
        columns = np.argsort(list(drawn.variables))
        record = drawn.record
        samples = Counts.of(record.sample[:, columns], record.num_occurrences)
        found = pick(problem, samples, postprocess=self.postprocess)
        sweeps = self.sweeps if self.sampler == "annealing" else 1
        bill = Bill(
            evaluations=self.reads * sweeps * problem.n + found.evaluations,
            shots=self.reads,
            classical_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem,
            found.x,
            solver="dwave",
            bill=bill,
            diagnostics={"sampler": self.sampler, **encoding.record, **found.diagnostics},
        )


def quadratic_model(qubo: Qubo) -> dimod.BinaryQuadraticModel:
    """Return `qubo` as dimod's model; variable k keeps the label k."""
    first, second = np.nonzero(qubo.quadratic)
    weights = qubo.quadratic[first, second]
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        qubo.linear, (first, second, weights), qubo.constant, "BINARY"
    )
