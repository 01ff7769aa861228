"""What a federation hands on when the next one, with other members, continues it.

Algorithms start afresh in the next one: what they remember was made by all old members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qfl.federation.selection import Observations
from qfl.federation.world import Participant
from qfl.models.m3t import State

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A moment in the training of a federation; keys are names of clients.

    Attributes:
        state: the global modules.
        kept: the modules that a client never shows.
        losses, last_round, directions: what the server had observed; see `Observations`.
    """

    state: State
    kept: Mapping[str, State]
    losses: Mapping[str, float]
    last_round: Mapping[str, int]
    directions: Mapping[str, Mapping[str, NDArray[np.float64]]]

    @classmethod
    def of(
        cls,
        participants: Iterable[Participant],
        *,
        state: State,
        kept: Mapping[int, State],
        observations: Observations,
    ) -> Standing:
        """Return the present moment; later rounds leave it untouched."""
        names = {p.index: p.client.name for p in participants}

        def named(found: Mapping[int, T]) -> dict[str, T]:
            return {names[index]: value for index, value in found.items()}

        return cls(
            state=dict(state),
            kept=named(kept),
            losses=named(observations.losses),
            last_round=named(observations.last_round),
            directions=named(observations.directions),
        )

    def modules(self, fresh: State) -> State:
        """Return the modules of `fresh`, those that were handed on in place of fresh ones."""
        return {module: self.state.get(module, tensors) for module, tensors in fresh.items()}

    def kept_by(self, participants: Iterable[Participant]) -> dict[int, State]:
        """Return what those who are still here keep of the modules that they still hold."""
        return {
            p.index: {m: t for m, t in self.kept[p.client.name].items() if m in p.model.module_ids}
            for p in participants
            if p.client.name in self.kept
        }

    def observed(self, participants: Iterable[Participant], modules: Iterable[str]) -> Observations:
        """Return what was observed of those who are still here, on modules that are."""
        places = {p.client.name: p.index for p in participants}
        known = set(modules)

        def here(found: Mapping[str, T]) -> dict[int, T]:
            return {places[name]: value for name, value in found.items() if name in places}

        return Observations(
            clients=len(places),
            losses=here(self.losses),
            last_round=here(self.last_round),
            directions={
                index: {module: change for module, change in found.items() if module in known}
                for index, found in here(self.directions).items()
            },
        )
