"""QAOA that starts where a relaxation points, instead of from the uniform state.

The relaxed value c_i of every variable, kept inside [bias, 1 - bias], becomes a product
distribution. Mixer "x" starts each qubit there and turns about it, so the start stays the mixer's
top eigenstate. For the others the distribution is restricted to the states that the ansatz can
reach, amplitude(x)^2 proportional to prod c_i^x_i (1 - c_i)^(1 - x_i): with "grover" that is again
the top eigenstate, XY mixers take it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.decision import Bill, Decision
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.solvers.options import check_choice
from qfl.solvers.postprocess import POSTPROCESSES
from qfl.solvers.qaoa import Qaoa, decide, inner_options
from qfl.solvers.relaxation import relax


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """QAOA from a relaxed solution.

    Attributes:
        shots: samples to decide from.
        bias: how far a relaxed value stays from 0 and 1; 0.5 is the uniform start.
        qaoa: further fields of `qaoa`, for instance depth, mixer, schedule.
        iterations: of the relaxation.
        postprocess: one of POSTPROCESSES.

    Reference:
        Egger, Marecek, Woerner, arXiv:2009.10095, section 2.
    """

    shots: int
    bias: float = 0.25
    qaoa: Mapping[str, Any] = field(default_factory=dict)
    iterations: int = 200
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_choice("postprocess", self.postprocess, POSTPROCESSES)
        if not 0.0 < self.bias <= 0.5:
            raise ConfigError(f"bias must lie in (0, 0.5], got {self.bias}")
        options = inner_options(self.shots, self.qaoa, solver="warm_start")
        object.__setattr__(self, "qaoa", options)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best feasible of `shots` samples.

        Raises:
            BackendError: the backend cannot start from given amplitudes.
        """
        started = perf_counter()
        sampler = Qaoa(shots=self.shots, **self.qaoa)
        relaxed, bound, steps = relax(problem, iterations=self.iterations)
        kept = np.clip(relaxed, self.bias, 1.0 - self.bias)
        initial = None
        if sampler.mixer != "x":
            initial = start_amplitudes(sampler.reachable(problem), kept)
        extra = Bill(evaluations=steps, classical_seconds=perf_counter() - started)
        run = sampler.run(problem, rng, initial=initial, bias=kept if initial is None else None)
        run = replace(run, bill=run.bill + extra, record={**run.record, "bias": self.bias})
        decision = decide(problem, run, self.postprocess, solver="warm_start")
        return replace(decision, bound=min(bound, decision.energy), proof="bound")


def start_amplitudes(
    states: NDArray[np.uint8], relaxed: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return normalised amplitudes over `states` (m, n) from values (n,) strictly in 0..1.

    >>> states = np.array([[1, 0], [0, 1]], np.uint8)
    >>> (np.abs(start_amplitudes(states, np.array([0.75, 0.25]))) ** 2).round(3).tolist()
    [0.9, 0.1]
    """
    logarithm = states @ np.log(relaxed) + (1.0 - states) @ np.log1p(-relaxed)
    weights = np.exp(logarithm - logarithm.max())
    return np.sqrt(weights / weights.sum()).astype(np.complex128)
