"""A cell: everything that changes the numbers of one training run, and nothing else.

Counted: the schema version, scenario and data hash, federation settings, selection problem,
solver with its backend and budget, channel, privacy, adversary, defence, what is forgotten, the
stream, and the seed. A cell that
decides one instance and trains nobody counts the problem family with its options, the solver and
the seed.
Not counted: executor, workers, folders, titles, labels, code version. Those are recorded beside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qfl.core.arrays import canonical_json

SCHEMA_VERSION = 1
SECTIONS = (
    *("scenario", "federation", "selection", "channel", "privacy", "adversary", "defence"),
    *("forget", "clusters", "stream", "decision", "solver"),
)

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of a study's grid.

    Attributes:
        scenario: {"name": ..., parameters, "data": id, "data_sha256": ...}.
        federation: algorithm, rounds, clients per round, local training.
        selection: {"problem": ..., weights of the objective}.
        solver: {"name": ..., options such as backend, depth, shots}.
        channel: {"name": ..., link and key parameters}.
        seed: all random streams derive from it.
        decision: {"problem": ..., options of the family, "repeats": ...} of a cell that decides one
            instance; the four sections of a federation are then empty.
        labels: how the study names the cell on its axes; does not count.
        privacy: {"mechanism": ..., options}, empty without differential privacy.
        adversary: {"attack": ..., options}, empty if all clients are honest.
        defence: {"rule": ..., options}, empty if updates are averaged.
        forget: {"method": ..., what and when}, empty if nothing is.
        clusters: {"by": ..., options}, empty if no module has copies.
        stream: {"strategy": ..., what changes from stage to stage}, empty if nothing does.
    """

    scenario: Settings
    federation: Settings
    selection: Settings
    solver: Settings
    channel: Settings
    seed: int
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    decision: Settings = field(default_factory=dict)
    privacy: Settings = field(default_factory=dict)
    adversary: Settings = field(default_factory=dict)
    defence: Settings = field(default_factory=dict)
    forget: Settings = field(default_factory=dict)
    clusters: Settings = field(default_factory=dict)
    stream: Settings = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """Return the dict behind the id: the sections that the cell has, and the seed."""
        sections = {name: dict(getattr(self, name)) for name in SECTIONS}
        found = {name: section for name, section in sections.items() if section}
        return {"schema": SCHEMA_VERSION, **found, "seed": self.seed}

    @property
    def id(self) -> str:
        """sha256 of the canonical JSON of `identity()`."""
        return hashlib.sha256(canonical_json(self.identity()).encode()).hexdigest()

    @classmethod
    def from_identity(cls, identity: Settings, labels: Mapping[str, str] | None = None) -> Cell:
        """Return the cell whose `identity()` this is."""
        settings = {key: value for key, value in identity.items() if key != "schema"}
        return cls(**{**{name: {} for name in SECTIONS}, **settings}, labels=dict(labels or {}))
