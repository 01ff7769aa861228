"""Penalty sampling by dwave-samplers (extra "dwave"): the fair opponent of penalty QAOA.

The library is imported when a decision is made, so that studies can be checked without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from qfl.core.counts import Counts
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.solvers.encoding import check_penalty, encode
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, pick

if TYPE_CHECKING:
    import dimod

SAMPLERS = ("annealing", "tabu", "descent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwave:
    """Single-flip sampling of the penalised objective.

    Attributes:
        reads: independent runs, each giving one sample.
        sweeps: of one run; each sweep proposes every flip once. Descent stops by itself.
        sampler: "annealing", "tabu" (without restarts) or "descent"; all from random states.
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
        check_penalty(self.penalty)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best feasible of `reads` samples."""
        started = perf_counter()
        encoding = encode(problem, "x", penalty=self.penalty)
        drawn, flips = self._drawn(quadratic_model(encoding.qubo), seed=int(rng.integers(2**31)))
        columns = np.argsort(list(drawn.variables))
        samples = Counts.of(drawn.record.sample[:, columns], drawn.record.num_occurrences)
        found = pick(problem, samples, postprocess=self.postprocess)
        bill = Bill(
            evaluations=flips + found.evaluations,
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

    def _drawn(
        self, model: dimod.BinaryQuadraticModel, *, seed: int
    ) -> tuple[dimod.SampleSet, int]:
        """Return the samples and how many flips were looked at for them."""
        from dwave import samplers

        options: dict[str, Any] = {"num_reads": self.reads, "seed": seed}
        if self.sampler == "descent":
            drawn = samplers.SteepestDescentSampler().sample(model, **options)
            return drawn, model.num_variables * int((drawn.record.num_steps + 1).sum())
        if self.sampler == "annealing":
            sampler = samplers.SimulatedAnnealingSampler()
            if not (any(model.linear.values()) or any(model.quadratic.values())):
                options["beta_range"] = (0.1, 1.0)  # any will do; there is none to guess it from
            drawn = sampler.sample(model, num_sweeps=self.sweeps, **options)
        else:  # its clock would make results depend on the machine
            drawn = samplers.TabuSampler().sample(
                model,
                timeout=None,
                num_restarts=0,
                coefficient_z_first=self.sweeps,
                lower_bound_z=1,
                **options,
            )
        return drawn, self.reads * self.sweeps * model.num_variables


def quadratic_model(qubo: Qubo) -> dimod.BinaryQuadraticModel:
    """Return `qubo` as dimod's model; variable k keeps the label k."""
    import dimod

    first, second = np.nonzero(qubo.quadratic)
    weights = qubo.quadratic[first, second]
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        qubo.linear, (first, second, weights), qubo.constant, "BINARY"
    )
