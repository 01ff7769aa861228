"""How old modules are: the round in which each was last refreshed, module by module.

A module is refreshed when the server puts tensors of a round into its place. One that nobody
trained, whose holders were too few or whose sum was given up keeps its tensors, and with them its
version. What a client trains on has the server's version, as it comes down in the same round; what
it keeps for itself, a personal model or modules that never travel, is as old as its own last
training, all of it alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from qfl.core.events import Staleness
from qfl.models.m3t import State
from qfl.models.policies import ExchangePolicy


class Homes(Protocol):
    """What clients keep, as far as the machinery that plays them knows.

    Attributes:
        exchange: which modules travel.
        kept: index of a client -> its version of modules that never do.
        own: index of a client -> its personal model.
    """

    @property
    def exchange(self) -> ExchangePolicy: ...

    @property
    def kept(self) -> Mapping[int, State]: ...

    @property
    def own(self) -> Mapping[int, State]: ...


@dataclass(slots=True, eq=False)
class Versions:
    """Rounds of last refreshes; 0 is how everything began.

    Attributes:
        modules: id of a module, or of a copy of one -> round in which it was last refreshed.
        homes: index of a client -> round in which it last changed what it keeps.
        seen: the server's modules at the last look.
        seen_at_home: index of a client -> what it kept then.
    """

    modules: dict[str, int] = field(default_factory=dict)
    homes: dict[int, int] = field(default_factory=dict)
    seen: State = field(default_factory=dict)
    seen_at_home: dict[int, State] = field(default_factory=dict)

    def look(self, round_index: int, state: State, exchange: ExchangePolicy) -> dict[str, int]:
        """Return module -> rounds since its last refresh, of those that travel and are not fresh.

        Args:
            round_index: of the round that was learnt from since the last look.
            state: the server's modules now.
            exchange: says which of them travel.
        """
        for module in state:
            if not _same(module, state, self.seen):
                self.modules[module] = round_index
        self.seen = dict(state)
        ages = {m: round_index - self.modules.get(m, 0) for m in state if exchange[m].exchanged}
        return {module: age for module, age in ages.items() if age}

    def look_at_home(self, round_index: int, homes: Homes) -> dict[str, int]:
        """Return for how many rounds, as a text, how many clients have kept something unchanged.
        Who was never called has nothing of its own yet.

        Args:
            round_index: as for `look`.
            homes: what clients keep.
        """
        for index in sorted(homes.kept.keys() | homes.own.keys()):
            now = at_home(homes.kept.get(index, {}), homes.own.get(index, {}))
            before = self.seen_at_home.get(index, {})
            if any(not _same(module, now, before) for module in now):
                self.homes[index] = round_index
            self.seen_at_home[index] = now
        ages = Counter(round_index - last for last in self.homes.values())
        return {str(age): clients for age, clients in sorted(ages.items())}

    def staleness(self, round_index: int, state: State, homes: Homes) -> Staleness | None:
        """Return both for the record of a round; None if no module is stale and no client keeps
        anything."""
        modules = self.look(round_index, state, homes.exchange)
        at_home = self.look_at_home(round_index, homes)
        return Staleness(modules, at_home) if modules or at_home else None


def at_home(kept: State, own: State) -> State:
    """Return all that a client keeps: modules that never travel, and those of its own model."""
    return {**kept, **{f"own {module}": tensors for module, tensors in own.items()}}


def _same(module: str, now: State, before: State) -> bool:
    """Whether these are the same tensors, and not others that happen to be equal."""
    then = before.get(module, {})
    return all(tensor is then.get(name) for name, tensor in now[module].items())
