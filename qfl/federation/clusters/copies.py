"""The server's book of copies: which there are, who gets which, and what they are together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch

from qfl.core.errors import ConfigError
from qfl.core.events import Membership
from qfl.core.ports import Learning, Packing
from qfl.federation.clusters.division import Direction, Dividing, Division
from qfl.federation.exchange import overlaid, travelling
from qfl.federation.world import Participant, World
from qfl.models.keys import copy_id, original
from qfl.models.m3t import State, fitted, submodel

T = TypeVar("T")
_ALONE = ("",)
"""The one cluster of a federation without clusters."""


class Copies:
    """Copies of some modules, one for each cluster; without such modules it changes nothing.

    The server's state has every module once, or, if clusters share it, once for each under the id
    of the copy. Clients know modules alone.

    Args:
        world: who takes part, and what happens to modules.
        modules: ids of those that clusters share.
        dividing: says who is in which; None if there are none.
        learned: whether it finds out by training.
    """

    def __init__(
        self,
        world: World,
        modules: frozenset[str],
        dividing: Dividing | None,
        *,
        learned: bool = False,
    ) -> None:
        self.modules, self.learned, self._dividing = modules, learned, dividing
        self._ids, self._exchange = world.model.module_ids, world.exchange
        self._participants = world.participants

    @classmethod
    def started(cls, division: Division | None, world: World, learning: Learning) -> Copies:
        """Return the book before the first round.

        Raises:
            ConfigError: modules without clusters, clusters without modules, or an algorithm that
                packs envelopes itself.
        """
        modules = frozenset(world.exchange.clustered(world.model.module_ids))
        if division is None and modules:
            raise ConfigError(
                f"{', '.join(sorted(modules))} are placed cluster, and nothing says who is in "
                'which; set [clusters] by = "declared", "loss" or "direction"'
            )
        if division is None:
            return cls(world, modules, None)
        if not modules:
            raise ConfigError(
                "there are clusters, and no module that they share; set placement = "
                '"cluster" for some in [federation.modules], or leave [clusters] out'
            )
        if isinstance(learning, Packing):
            raise ConfigError(
                f"{type(learning).__name__} packs what travels itself and knows one version of "
                "every module; take an algorithm that averages modules, such as fedavg"
            )
        return cls(world, modules, division.start(world), learned=division.learned)

    def opened(self, state: State) -> State:
        """Return the server's state before the first round, given the modules as they begin."""
        if self._dividing is None:
            return state
        shared = {m: tensors for m, tensors in state.items() if m not in self.modules}
        begin = {m: dict(state[m]) for m in self._ids if m in self.modules}
        for cluster in self._dividing.names:
            shared |= self.named(self._dividing.begun(cluster, begin), cluster)
        return shared

    def of(self, state: State, client: int) -> State:
        """Return the modules that a client predicts with: those of its cluster."""
        return self._version(state, self._cluster(client))

    def for_number(self, state: State, number: int) -> State:
        """Return the modules that the client with this number is offered, or those in common if it
        is not here."""
        found = [p.index for p in self._participants if p.number == number]
        return self.of(state, found[0]) if found else self.common(state)

    def common(self, state: State) -> State:
        """Return what the server predicts with where it does not know who asks: of copies the mean,
        weighed by the samples of their members that hold the module."""
        if self._dividing is None:
            return state
        found = self._version(state, self._dividing.names[0])
        for module in self._ids:
            if module in self.modules:
                found[module] = self._mean(state, module)
        return found

    def offered(self, who: Participant, state: State) -> State:
        """Return what travels to a client, each copy under its own id."""
        modules = self._exchange.exchanged(who.model.module_ids)
        found: State = {}
        for cluster in self._offered(who.index):
            version = fitted(submodel(self._version(state, cluster), modules), who.model)
            found |= self.named(travelling(version, self._exchange), cluster)
        return found

    def versions(self, who: Participant, received: State) -> dict[str, State]:
        """Return cluster -> the modules that a client received, with the copies of that cluster."""
        if self._dividing is None:
            return {"": received}
        return {
            cluster: {
                original(m): tensors
                for m, tensors in received.items()
                if original(m) == m or m == copy_id(original(m), cluster)
            }
            for cluster in self._offered(who.index)
        }

    def named(self, modules: Mapping[str, T], cluster: str) -> dict[str, T]:
        """Return what belongs to modules under the ids of the copies of a cluster."""
        return {copy_id(m, cluster) if m in self.modules else m: x for m, x in modules.items()}

    def heard(
        self, state: State, told: Mapping[str, str], seen: Mapping[int, Direction], round_index: int
    ) -> State:
        """Return the server's state after a round was learnt from.

        Args:
            state: after the round's answers were aggregated.
            told: client -> the cluster whose copies its answer has changed.
            seen: index of a client -> its last changes, by the ids under which they travelled.
            round_index: of the round.
        """
        if self._dividing is None:
            return state
        changes = {
            client: {original(m): d for m, d in found.items() if original(m) in self.modules}
            for client, found in seen.items()
        }
        clients = enumerate(self._participants.clients)
        chosen = {i: told[client.name] for i, client in clients if client.name in told}
        for cluster, origin in self._dividing.heard(chosen, changes, round_index).items():
            parted = {m: dict(state[copy_id(m, origin)]) for m in self.modules}
            state = overlaid(state, self.named(parted, cluster))
        return state

    def membership(self, downloaded: Mapping[str, Sequence[str]]) -> Membership | None:
        """Return who is where, for the record; None without clusters.

        Args:
            downloaded: client -> clusters whose copies came down to it in the round.
        """
        if self._dividing is None:
            return None
        members = self._dividing.members
        return Membership(
            modules=tuple(m for m in self._ids if m in self.modules),
            clusters=self._dividing.names,
            members={
                client.name: members[i]
                for i, client in enumerate(self._participants.clients)
                if i in members
            },
            downloaded={client: tuple(copies) for client, copies in downloaded.items()},
        )

    def _offered(self, client: int) -> tuple[str, ...]:
        return _ALONE if self._dividing is None else self._dividing.offered(client)

    def _cluster(self, client: int) -> str:
        if self._dividing is None:
            return ""
        return self._dividing.members.get(client, self._dividing.names[0])

    def _version(self, state: State, cluster: str) -> State:
        """The modules in the order of the model, with the copies of one cluster."""
        if self._dividing is None:
            return state
        return {m: state[copy_id(m, cluster) if m in self.modules else m] for m in self._ids}

    def _mean(self, state: State, module: str) -> dict[str, torch.Tensor]:
        """The mean copy of a module; one copy alone is itself."""
        assert self._dividing is not None  # asked of clusters alone
        samples: Counter[str] = Counter()
        everybody, members = self._participants, self._dividing.members
        for i, size in enumerate(everybody.sizes.tolist()):
            if i in members and module in everybody.model_of(i).module_ids:
                samples[members[i]] += size
        if len(samples) < 2:
            [cluster] = samples or self._dividing.names[:1]
            return dict(state[copy_id(module, cluster)])
        shares = {c: count / samples.total() for c, count in sorted(samples.items())}
        copies = {c: state[copy_id(module, c)] for c in shares}
        return {
            name: torch.stack([shares[c] * copies[c][name].double() for c in shares])
            .sum(0)
            .to(tensor.dtype)
            for name, tensor in state[copy_id(module, next(iter(shares)))].items()
        }
