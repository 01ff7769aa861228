"""QAOA as a solver: encode, choose angles, sample once, decide from the samples.

The decision is made from `shots` samples and nothing else; probabilities that an exact backend
knows appear in the diagnostics only. Angles may be trained on one backend and sampled on another.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import MIXERS, resources, stand_ins
from qfl.core.counts import Counts
from qfl.core.decision import Bill, Decision
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.solvers import SOLVERS
from qfl.solvers.encoding import INEQUALITIES, Encoding, check_penalty, encode
from qfl.solvers.landscape import OBJECTIVES, Angles, Landscape, open_backend
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, pick
from qfl.solvers.schedules import SCHEDULES, Schedule

DIAGNOSED_STATES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Qaoa:
    """Alternating-operator ansatz on any backend, decided by the best feasible sample.

    Attributes:
        shots: samples to decide from.
        depth: layers.
        backend, backend_options: where to sample, as `get_backend` takes them.
        mixer: one of circuits.qaoa.MIXERS; "x" prices equalities by `penalty`.
        penalty: a weight, or a rule of encoding.PENALTY_RULES; only used by mixer "x".
        inequality: "filter" the samples, or price inequalities by an "unbalanced" penalty.
        schedule, schedule_options: a row of SCHEDULES and its fields.
        objective, objective_options: what training minimises, a row of OBJECTIVES and its fields.
        training_backend: where the schedule may look; None for the sampling backend.
        postprocess: one of POSTPROCESSES.
    """

    shots: int
    depth: int = 4
    backend: str = "subspace"
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    mixer: str = "xy_complete"
    penalty: float | str = "largest_flip"
    inequality: str = "filter"
    schedule: str = "trained"
    schedule_options: Mapping[str, Any] = field(default_factory=dict)
    objective: str = "mean"
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    training_backend: str | None = None
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("shots", self.shots)
        check_count("depth", self.depth)
        check_choice("mixer", self.mixer, MIXERS)
        check_penalty(self.penalty)
        check_choice("inequality", self.inequality, INEQUALITIES)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)
        resolved = asdict(SCHEDULES.configure(self.schedule, self.schedule_options))
        object.__setattr__(self, "schedule_options", resolved)
        resolved = asdict(OBJECTIVES.configure(self.objective, self.objective_options))
        object.__setattr__(self, "objective_options", resolved)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best feasible of `shots` samples at the scheduled angles."""
        return decide(problem, self.run(problem, rng), self.postprocess, solver="qaoa")

    def run(
        self,
        problem: Problem,
        rng: np.random.Generator,
        *,
        initial: NDArray[np.complex128] | None = None,
        bias: NDArray[np.float64] | None = None,
    ) -> Run:
        """Return the samples and what they cost, undecided.

        Args:
            problem: the instance.
            rng: of the samples, and of a schedule that needs one.
            initial, bias: a warm start, as in QaoaAnsatz.
        """
        started = perf_counter()
        encoding = replace(self._encode(problem), initial=initial, bias=bias)
        scene = training = self._landscape(problem, encoding, self.backend, self.backend_options)
        if self.training_backend is not None:
            training = self._landscape(problem, encoding, self.training_backend, {})
        for place in (scene, training):
            place.prepare(self.depth)
        schedule: Schedule = SCHEDULES.configure(self.schedule, self.schedule_options)
        angles = schedule.angles(training, self.depth, rng)
        counts = scene.sample(angles, self.shots, rng)
        bill = self._bill(scene, training, perf_counter() - started)
        record = {
            "schedule": self.schedule,
            "mixer": self.mixer,
            "angles": json.dumps(angles.tolist()),
            **encoding.record,
        }
        if missing := stand_ins(scene.ansatz(self.depth)):
            record["circuit"] = f"counted with {' and '.join(missing)}"
        return Run(scene, angles, counts, self.shots, bill, record)

    def reachable(self, problem: Problem) -> NDArray[np.uint8]:
        """Return the states (m, n) that the ansatz can reach, in the order of its amplitudes.

        Raises:
            BackendError: the backend does not list states.
        """
        encoding = self._encode(problem)
        scene = self._landscape(problem, encoding, self.backend, self.backend_options)
        return scene.distribution(np.zeros((2, 0)))[0]

    def _encode(self, problem: Problem) -> Encoding:
        return encode(problem, self.mixer, penalty=self.penalty, inequality=self.inequality)

    def _landscape(
        self, problem: Problem, encoding: Encoding, backend: str, options: Mapping[str, Any]
    ) -> Landscape:
        objective = None  # the mean has a shorter way through every backend
        if self.objective != "mean":
            objective = OBJECTIVES.configure(self.objective, self.objective_options)
        opened = open_backend(backend, options)
        return Landscape(problem, encoding, self.mixer, opened, objective=objective)

    def _bill(self, scene: Landscape, training: Landscape, seconds: float) -> Bill:
        parts = [scene] if training is scene else [scene, training]
        quantum = sum(part.quantum_seconds for part in parts)
        bill = Bill(
            evaluations=sum(part.evaluations for part in parts),
            shots=sum(part.shots for part in parts),
            classical_seconds=max(0.0, seconds - quantum),
        )
        return bill + _circuit_bill(scene, self.depth, quantum)


def _circuit_bill(scene: Landscape, depth: int, seconds: float) -> Bill:
    """Return size and time of the circuit: as it ran on a device, else without routing."""
    ran = scene.execution(depth)
    if ran is None:
        needs = resources(scene.ansatz(depth))
        return Bill(0, 0, needs.qubits, needs.depth, needs.two_qubit_gates, qpu_seconds=seconds)
    return Bill(
        qubits=ran.qubits,
        depth=ran.depth,
        two_qubit_gates=ran.two_qubit_gates,
        queue_seconds=ran.queue_seconds or 0.0,
        qpu_seconds=seconds if ran.qpu_seconds is None else ran.qpu_seconds,
    )


def inner_options(shots: int, options: Mapping[str, Any], *, solver: str) -> dict[str, Any]:
    """Return the fields of the `qaoa` inside another solver, all defaults resolved.

    Raises:
        ConfigError: an option that belongs to the outer solver, or a wrong one.
    """
    for key in _OUTER:
        if key in options:
            raise ConfigError(f"give {key} to {solver!r} itself, not inside qaoa")
    resolved = asdict(SOLVERS.configure("qaoa", {"shots": shots, **options}))
    return {key: value for key, value in resolved.items() if key not in _OUTER}


_OUTER = ("shots", "postprocess")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One finished QAOA run: where, at which angles, what was measured, what it cost.

    Attributes:
        shots: asked for; a backend that drops samples returns fewer.
    """

    scene: Landscape
    angles: Angles
    counts: Counts
    shots: int
    bill: Bill
    record: Mapping[str, float | str]


def decide(problem: Problem, run: Run, postprocess: str, *, solver: str) -> Decision:
    """Return the decision that the samples of `run` support."""
    started = perf_counter()
    found = pick(problem, run.counts, postprocess=postprocess, asked=run.shots)
    ran = run.scene.execution(run.angles.shape[-1])
    bill = Bill(evaluations=found.evaluations, classical_seconds=perf_counter() - started)
    return Decision.of(
        problem,
        found.x,
        solver=solver,
        bill=run.bill + bill,
        diagnostics={
            **run.record,
            **(ran.diagnostics() if ran else {}),
            **found.diagnostics,
            **diagnose(run.scene, run.angles),
        },
    )


def diagnose(scene: Landscape, angles: Angles) -> dict[str, float]:
    """Return what an exact backend knows about the samples it gave; nothing where that is costly.

    Returns:
        expectation: mean of the cost that the circuit sees, penalties included.
        feasible_expectation: mean of the objective over the feasible samples.
        in_constraint_probability: mass on feasible states.
        optimum_probability: mass on the feasible states of least energy.
    """
    if not scene.exact or reachable_states(scene) > DIAGNOSED_STATES:
        return {}
    states, probabilities = scene.distribution(angles)
    feasible = scene.problem.is_feasible(states)
    energies, kept = scene.problem.qubo.energy(states[feasible]), probabilities[feasible]
    lowest = energies.min()
    optimal = energies <= lowest + 1e-12 * max(1.0, abs(lowest))
    return {
        "expectation": scene.mean(angles),
        "feasible_expectation": float(kept @ energies) / max(float(kept.sum()), 1e-300),
        "in_constraint_probability": float(kept.sum()),
        "optimum_probability": float(kept[optimal].sum()),
    }


def reachable_states(scene: Landscape) -> int:
    """Return how many basis states the ansatz can reach."""
    blocks = scene.encoding.blocks
    if not blocks:
        return 2**scene.problem.n
    return math.prod(math.comb(len(variables), ones) for variables, ones in blocks)
