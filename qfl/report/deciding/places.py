"""Which methods ran the same circuit in another place: what a gap is a gap between.

Two methods are paired if everything about them is equal but the backend: ideal and noisy, raw and
mitigated, a snapshot and the gate-count model calibrated from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qfl.backends.practice import SWITCHES
from qfl.report.runs.results import Results, is_ideal
from qfl.study.options import Issues, resolve_backend

Settings = Mapping[str, Any]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a method runs its circuit.

    Attributes:
        backend, options: as a cell's identity holds them, all options resolved.
        rest: everything else about the method.
        ideal: without noise.
    """

    backend: str
    options: Settings
    rest: Settings
    ideal: bool

    def is_at(self, backend: str, options: Settings) -> bool:
        """Return True if `get_backend(backend, **options)` is this place."""
        return (self.backend, self.options) == (backend, resolved_options(backend, options))

    @property
    def wraps(self) -> tuple[str, Settings] | None:
        """The place that a mitigation wraps, None if this is no mitigation."""
        if not self.backend.startswith("mitigation:"):
            return None
        return self.options["backend"], self.options.get("backend_options", {})

    @property
    def models(self) -> tuple[str, Settings] | None:
        """The snapshot that a gate-count model is calibrated from, None if there is none."""
        name = self.options.get("snapshot")
        return (f"aer:{name}", {}) if self.is_model and name else None

    @property
    def is_model(self) -> bool:
        """True under the gate-count noise model."""
        return self.backend == "noise:depolarising"

    def turns_up(self, other: Place) -> bool:
        """Return True if this is `other` with one of SWITCHES turned up."""
        mine, theirs = self.options, other.options
        changed = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        return (
            self.backend == other.backend
            and len(changed) == 1
            and changed[0] in SWITCHES
            and mine[changed[0]] > theirs[changed[0]]
        )


def places(results: Results) -> dict[str, Place]:
    """Return where each method with a circuit ran, in the order of the study."""
    solvers = {run.method: run.row.cell.solver for run in results.runs}
    return {m: _place(solvers[m]) for m in results.methods if "backend" in solvers.get(m, {})}


def ideal_pairs(results: Results) -> Pairs:
    """Return (method, the same without noise) for every method that runs on something noisy."""
    return _pairs(results, lambda place, other: other.ideal and not place.ideal)


def raw_pairs(results: Results) -> Pairs:
    """Return (method, the same without its mitigation, or with a switch turned down)."""
    return _pairs(
        results,
        lambda place, other: (
            bool(place.wraps and other.is_at(*place.wraps)) or place.turns_up(other)
        ),
    )


def model_pairs(results: Results) -> Pairs:
    """Return (gate-count method, method on the snapshot that it was calibrated from)."""
    return _pairs(results, lambda place, other: bool(place.models and other.is_at(*place.models)))


def _pairs(results: Results, related: Callable[[Place, Place], bool]) -> Pairs:
    """Return the pairs of methods that differ in the place alone, which `related` picks."""
    found = places(results)
    return tuple(
        (method, partner)
        for method, place in found.items()
        for partner, other in found.items()
        if other.rest == place.rest and related(place, other)
    )


def _place(solver: Settings) -> Place:
    rest = {k: v for k, v in solver.items() if not k.startswith("backend") and k != "name"}
    if solver["name"] == "qaoa_mean":
        rest = {**rest.pop("qaoa"), **rest, "postprocess": "none"}
    options = solver.get("backend_options", {})
    return Place(str(solver["backend"]), options, rest, is_ideal(solver))


def resolved_options(backend: str, options: Settings) -> Settings:
    """Return all options of a place; as they were given where they cannot be resolved."""
    try:
        return resolve_backend(backend, options)
    except Issues:
        return options
