"""One decision in numbers: what a record keeps of it, and the figures of merit it implies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from qfl.core.decision import Decision


class Yardstick(Protocol):
    """What is known of all feasible energies of a problem."""

    @property
    def optimum(self) -> float: ...
    @property
    def worst(self) -> float: ...
    @property
    def mean(self) -> float: ...
    @property
    def states(self) -> int: ...
    @property
    def optimal_states(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision in numbers, with the instance it answers.

    Attributes:
        problem_hash: identifies the instance.
        energy, optimum, worst: objective at the decision, and its least and greatest feasible
            value by enumeration; None where not known.
        feasible: whether the decision satisfies the constraint; after a repair, diagnostics say so.
        evaluations, shots, qubits, depth, two_qubit_gates: the solver's bill.
        diagnostics: what the solver reports beside, such as optimum_probability.
        mean: mean feasible energy, None where not known.
        states, optimal_states: how many feasible states there are, and how many of them reach
            the optimum; None where not known.
    """

    problem_hash: str
    energy: float
    feasible: bool
    optimum: float | None
    worst: float | None
    evaluations: int
    shots: int
    qubits: int
    depth: int
    two_qubit_gates: int
    diagnostics: Mapping[str, float | str] = field(default_factory=dict)
    mean: float | None = None
    states: int | None = None
    optimal_states: int | None = None

    @classmethod
    def of(cls, decision: Decision, yardstick: Yardstick | None) -> Choice:
        """Return the decision in numbers, beside what the yardstick knows of the instance."""
        bill = decision.bill
        return cls(
            problem_hash=decision.problem_hash,
            energy=decision.energy,
            feasible=decision.feasible,
            optimum=yardstick.optimum if yardstick else None,
            worst=yardstick.worst if yardstick else None,
            evaluations=bill.evaluations,
            shots=bill.shots,
            qubits=bill.qubits,
            depth=bill.depth,
            two_qubit_gates=bill.two_qubit_gates,
            diagnostics=decision.diagnostics,
            mean=yardstick.mean if yardstick else None,
            states=yardstick.states if yardstick else None,
            optimal_states=yardstick.optimal_states if yardstick else None,
        )

    @property
    def is_optimum(self) -> bool:
        """True if the decision is feasible and its energy is the enumerated optimum."""
        return self.feasible and self._reaches(self.energy) == 1.0

    def _reaches(self, energy: float) -> float:
        """Return 1 if `energy` is the enumerated optimum, else 0; NaN if that is not known."""
        if self.optimum is None:
            return math.nan
        scale = max(abs(self.optimum), abs(self.worst or 0.0), 1e-300)
        return float(abs(energy - self.optimum) <= _OPTIMAL * scale)

    def ratio(self, energy: float) -> float:
        """Return (worst - energy) / (worst - optimum), NaN where the range is unknown or empty."""
        if self.optimum is None or self.worst is None or self.worst <= self.optimum:
            return math.nan
        return (self.worst - energy) / (self.worst - self.optimum)

    def figures(self) -> dict[str, float]:
        """Return the figures of merit that are known, by the names of `qfl.core.metrics`.

        An exact backend knows those of a single sample. So does enumeration, for solvers that
        draw feasible states uniformly. Those of the samples drawn are known to whoever samples.
        """
        chance = math.nan
        if self.states and self.optimal_states:
            chance = self.optimal_states / self.states
        seen = self.diagnostics
        uniform = seen.get("distribution") == "uniform" and self.mean is not None
        sample = (
            (self.mean or 0.0, 1.0, chance)
            if uniform
            else tuple(float(seen.get(name, math.nan)) for name in _ONE_SAMPLE)
        )
        found = {
            "approximation_ratio": self.ratio(self.energy),
            "optimum_hit": math.nan if self.optimum is None else float(self.is_optimum),
            "feasible": float(self.feasible and not seen.get("repaired")),
            "sample_ratio": self.ratio(sample[0]),
            "in_constraint_probability": sample[1],
            "optimum_probability": sample[2],
            "uniform_probability": chance,
            **self._sampled(),
        }
        return {name: value for name, value in found.items() if not math.isnan(value)}

    def _sampled(self) -> dict[str, float]:
        """Return the figures of the samples that were drawn, NaN where there are none."""
        seen = {
            name: float(value)
            for name in _DRAWN
            if isinstance(value := self.diagnostics.get(name), float)
        }
        ratio = self.ratio(seen.get("feasible_mean", math.nan))
        random = math.nan if self.mean is None else self.ratio(self.mean)
        covered = (ratio - random) / (1 - random) if random < 1 else math.nan
        best = seen.get("energy_before_postprocess", self.energy)
        return {
            "sampled_ratio": ratio,
            "effective_ratio": 0.0 if covered < 0 else covered,
            "sampled_optimum": seen.get("best_share", math.nan) * self._reaches(best),
            "kept_fraction": seen.get("kept_fraction", math.nan),
            "mean_ratio": self.ratio(seen.get("mitigated_mean", seen.get("sample_mean", math.nan))),
        }


_OPTIMAL = 1e-9
"""Relative gap below which an energy counts as the optimum."""
_ONE_SAMPLE = ("feasible_expectation", "in_constraint_probability", "optimum_probability")
_DRAWN = (
    *("kept_fraction", "feasible_mean", "sample_mean", "mitigated_mean"),
    *("best_share", "energy_before_postprocess"),
)
