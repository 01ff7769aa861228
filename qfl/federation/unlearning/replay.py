"""Forgetting by replay: the server keeps updates, and sends them again without what is forgotten.

Those who stay take a few steps from where the model would have been, which gives each old update
a new direction at its old length. Approximate: what the others learnt from the forgotten client's
presence survives in these lengths.

Reference: Liu, Ma, Yang, Wang, Liu, "FedEraser", IWQoS 2021, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.changes import change_of, changed_by
from qfl.core.errors import ConfigError
from qfl.core.record import Costs
from qfl.core.update import Tensors, Update
from qfl.federation.population import Population
from qfl.federation.round import Federation
from qfl.federation.steps.memory import Change, Memory, Remembered
from qfl.federation.steps.visit import Visit
from qfl.federation.unlearning.calibration import calibrated_update
from qfl.federation.unlearning.requests import Erasure
from qfl.federation.unlearning.systems import Forgotten, Found, Founding


@dataclass(frozen=True, slots=True)
class Replay:
    """Stored updates, calibrated by those who stay.

    Attributes:
        interval: rounds 1, 1 + interval, ... are stored and replayed; the others are lost.
        effort: share of a round's passes over the data that calibration takes, at least one pass.
    """

    interval: int = 1
    effort: float = 0.5

    def __post_init__(self) -> None:
        if self.interval < 1 or not 0 < self.effort <= 1:
            raise ConfigError(
                f"interval {self.interval} and effort {self.effort}; allowed: at least 1 round, "
                "and above 0 to 1"
            )

    def begin(self, found: Found, population: Population) -> Federation:
        """Return the federation, with a server that keeps what it sees."""
        return found(population, Founding(memory=Memory(self.interval)))

    def forget(
        self, system: Federation, erasure: Erasure, *, found: Found, played: int
    ) -> Forgotten:
        """Return the federation after a replay of what was stored since it met what is erased.

        Raises:
            ConfigError: the server saw no single update, so there is nothing to replay.
        """
        stored = system.memory
        if stored is None or not any(kept.changes for kept in stored.rounds.values()):
            raise ConfigError(
                "replay needs updates that the server saw one by one, and it saw none; take "
                "retrain or sharded under masked sums"
            )
        names = {subject.before.name for subject in erasure.subjects}
        met = min((stored.met[name] for name in names if name in stored.met), default=played + 1)
        since = max((r for r in stored.rounds if r <= met), default=1)
        rounds = {r: kept for r, kept in stored.rounds.items() if r >= since and met <= played}
        memory = Memory(
            self.interval,
            rounds={r: kept for r, kept in stored.rounds.items() if r not in rounds},
            met={name: r for name, r in stored.met.items() if name not in erasure.left},
        )
        standing = system.standing()
        if rounds:
            standing = replace(standing, state=stored.rounds[since].state)
        again = found(
            erasure.rest, Founding(run="/replayed", standing=standing, effort=self.effort)
        )
        costs = Costs()
        for round_index, kept in rounds.items():
            chosen = [p for p in again.participants if p.client.name in kept.changes]
            if chosen:
                before, calibration = again.state, _Calibration(kept.changes)
                costs += again.conduct(chosen, round_index, revise=calibration).costs
                memory.rounds[round_index] = Remembered(before, calibration.changes)
        founding = Founding(run="/goes-on", standing=again.standing(), memory=memory)
        return Forgotten(
            system=found(erasure.rest, founding), costs=costs, stored_bytes=stored.size_bytes
        )


@dataclass(slots=True, eq=False)
class _Calibration:
    """What the server makes of the updates of one round, given those of old.

    Attributes:
        old: client -> what it changed then.
        changes: client -> what it changes now, once that is known.
    """

    old: Mapping[str, Change]
    changes: dict[str, Change] = field(default_factory=dict)

    def __call__(self, visits: Sequence[Visit], updates: Sequence[Update]) -> list[Update]:
        revised = []
        for visit in visits:
            if visit.arrived and visit.opened is not None and visit.answer is not None:
                client, received = visit.client, visit.answer.received
                modules: dict[str, Tensors] = {}
                for module in visit.opened.modules:
                    change = change_of(visit.opened, received, [module])
                    if change.any():
                        change = calibrated_update(_flat(self.old[client][module]), change)
                    modules |= changed_by(received, change, [module])
                self.changes[client] = {
                    module: {n: tensor - received.modules[module][n] for n, tensor in new.items()}
                    for module, new in modules.items()
                }
                revised.append(Update(modules, visit.opened.samples))
        return revised


def _flat(tensors: Tensors) -> NDArray[np.float64]:
    """The numbers of a module in the order of `change_of`."""
    return np.concatenate([np.ravel(tensors[name]) for name in sorted(tensors)]).astype(np.float64)
