"""QAOA that decides from samples and has its mean cost from elsewhere.

Zero-noise extrapolation gives a mean and no samples; here it stands beside the samples of the
backend that it wraps, so that a study can say what it buys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qfl.core.decision import Bill, Decision
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.solvers.landscape import Landscape, open_backend
from qfl.solvers.qaoa import Qaoa, decide, inner_options

_PLACE = ("backend", "backend_options")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanCost:
    """QAOA sampled on the backend that `backend` wraps, with the mean cost that `backend` gives.

    Attributes:
        shots: samples to decide from.
        backend, backend_options: where the mean cost comes from, at the angles of the samples.
        qaoa: options of the `qaoa` that samples, without its place.
    """

    shots: int
    backend: str = "mitigation:zero_noise"
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    qaoa: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "backend" not in self.backend_options:
            raise ConfigError(
                f"qaoa_mean samples on what {self.backend!r} wraps: give backend_options.backend"
            )
        if given := [key for key in _PLACE if key in self.qaoa]:
            raise ConfigError(f"qaoa_mean samples on what its backend wraps; leave out {given[0]}")
        options = inner_options(self.shots, self.qaoa, solver="qaoa_mean")
        resolved = {key: value for key, value in options.items() if key not in _PLACE}
        object.__setattr__(self, "qaoa", resolved)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best feasible of `shots` samples; `mitigated_mean` is in its diagnostics.

        Raises:
            BackendError: the backend knows no mean cost.
        """
        place = {key: self.backend_options[key] for key in _PLACE if key in self.backend_options}
        sampler = Qaoa(shots=self.shots, **self.qaoa, **place)
        run = sampler.run(problem, rng)
        backend = open_backend(self.backend, self.backend_options)
        scene = Landscape(problem, run.scene.encoding, sampler.mixer, backend)
        record = {**run.record, "mitigated_mean": scene.mean(run.angles)}
        if (ran := scene.execution(sampler.depth)) is not None:
            record |= ran.diagnostics()
        bill = run.bill + Bill(evaluations=1, qpu_seconds=scene.quantum_seconds)
        return decide(problem, replace(run, bill=bill, record=record), "none", solver="qaoa_mean")
