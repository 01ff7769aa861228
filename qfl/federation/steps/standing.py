"""What a federation hands on when the next one, with other members, continues it.

Algorithms start afresh in the next one: what they remember was made by all old members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.federation.averaging.versions import Versions, at_home
from qfl.federation.deciding.holdings import Pair, Trainings
from qfl.federation.deciding.selection import Observations
from qfl.federation.steps.visit import Courier
from qfl.federation.world import Participant
from qfl.models.m3t import State, fitted, submodel

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A moment in the training of a federation; keys are names of clients.

    Attributes:
        state: the global modules.
        base: the modules that everybody held before the very first round.
        kept: the modules that a client never shows.
        own: its personal model.
        losses, last_round, directions, key_bits: what the server had observed; see `Observations`.
        refreshed: module -> round in which it was last refreshed.
        changed: client -> round in which it last changed what it keeps.
        trained: pair of a modality and a task -> rounds that trained it.
    """

    state: State
    base: State
    kept: Mapping[str, State]
    own: Mapping[str, State]
    losses: Mapping[str, float]
    last_round: Mapping[str, int]
    directions: Mapping[str, Mapping[str, NDArray[np.float64]]]
    key_bits: Mapping[str, int]
    trained: Mapping[Pair, int]
    refreshed: Mapping[str, int]
    changed: Mapping[str, int]

    @classmethod
    def of(
        cls,
        participants: Iterable[Participant],
        *,
        state: State,
        courier: Courier,
        observations: Observations,
        trainings: Trainings,
    ) -> Standing:
        """Return the present moment; later rounds leave it untouched."""
        names = {p.index: p.client.name for p in participants}

        def named(found: Mapping[int, T]) -> dict[str, T]:
            return {names[index]: value for index, value in found.items()}

        return cls(
            state=dict(state),
            base=courier.base,
            kept=named(courier.kept),
            own=named(courier.own),
            losses=named(observations.losses),
            last_round=named(observations.last_round),
            directions=named(observations.directions),
            key_bits=named(observations.key_bits),
            trained=trainings.rounds,
            refreshed=dict(observations.versions.modules),
            changed=named(observations.versions.homes),
        )

    def modules(self, fresh: State) -> State:
        """Return the modules of `fresh`, those that were handed on in place of fresh ones."""
        return {module: self.state.get(module, tensors) for module, tensors in fresh.items()}

    def checkpoint(self, fresh: State) -> State:
        """Return what newcomers hold before their first download, as all others did: nothing that
        was learnt since. Modules that are new begin as in `fresh`."""
        return {module: self.base.get(module, tensors) for module, tensors in fresh.items()}

    def hand_to(self, participants: Iterable[Participant], courier: Courier) -> None:
        """Give those who are still here what was theirs, of the modules that they still hold; what
        a personal model lacks of these begins as everybody's does.

        Raises:
            ConfigError: who is in which cluster was learned by the federation before.
        """
        if courier.copies.learned:
            raise ConfigError(
                "a federation that goes on from another begins with its copies, and who is in "
                "which cluster was learned by the other; take clusters that are declared"
            )
        for p in participants:
            for theirs, here in ((self.kept, courier.kept), (self.own, courier.own)):
                if p.client.name in theirs:
                    found = theirs[p.client.name]
                    here[p.index] = {m: t for m, t in found.items() if m in p.model.module_ids}
            if (own := courier.own.get(p.index)) and own.keys() != set(p.model.module_ids):
                fresh = fitted(submodel(courier.base, p.model.module_ids), p.model)
                courier.own[p.index] = {**fresh, **own}

    def observed(
        self, participants: Iterable[Participant], modules: State, courier: Courier
    ) -> Observations:
        """Return what was observed of those who are still here, on modules that are.

        Args:
            participants: who is here.
            modules: of the server, now.
            courier: after `hand_to`.
        """
        places = {p.client.name: p.index for p in participants}
        known = modules.keys()

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
            key_bits=here(self.key_bits),
            versions=Versions(
                modules={m: last for m, last in self.refreshed.items() if m in known},
                homes=here(self.changed),
                seen=dict(modules),
                seen_at_home={
                    index: at_home(courier.kept.get(index, {}), courier.own.get(index, {}))
                    for index in courier.kept.keys() | courier.own.keys()
                },
            ),
        )
