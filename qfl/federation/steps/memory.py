"""What a server keeps of single updates, so that it can forget one client's later.

Whoever keeps updates sees them: under masked sums there is nothing to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qfl.core.errors import ConfigError
from qfl.core.update import Tensors
from qfl.federation.steps.visit import Visit
from qfl.models.m3t import State

Change = Mapping[str, Tensors]
"""Module -> tensor name -> what a client added to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """One round.

    Attributes:
        state: the global modules before it.
        changes: client -> what its training changed.
    """

    state: State
    changes: Mapping[str, Change]


@dataclass(slots=True)
class Memory:
    """Every so many-th round, with all updates that the server saw.

    Attributes:
        interval: rounds 1, 1 + interval, ... are kept.
        rounds: round -> what is kept of it.
        met: client -> the round in which its first update arrived, kept or not.
    """

    interval: int = 1
    rounds: dict[int, Remembered] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ConfigError(f"interval must be at least 1 round, got {self.interval}")

    @property
    def size_bytes(self) -> int:
        """Size of all that is kept."""
        states = sum(
            tensor.numel() * tensor.element_size()
            for kept in self.rounds.values()
            for tensors in kept.state.values()
            for tensor in tensors.values()
        )
        changes = sum(
            array.nbytes
            for kept in self.rounds.values()
            for change in kept.changes.values()
            for tensors in change.values()
            for array in tensors.values()
        )
        return states + changes

    def note(self, round_index: int, state: State, visits: Iterable[Visit]) -> None:
        """Keep the updates of a round that started from `state`, if it is one of those kept."""
        arrived = [visit for visit in visits if visit.arrived]
        for visit in arrived:
            self.met.setdefault(visit.client, round_index)
        if (round_index - 1) % self.interval == 0:
            changes = {v.client: _change(v) for v in arrived if v.opened is not None}
            self.rounds[round_index] = Remembered(dict(state), changes)


def _change(visit: Visit) -> Change:
    """What a visit that arrived opened added to the modules that its client had received."""
    assert visit.opened is not None
    assert visit.answer is not None
    received = visit.answer.received.modules
    return {
        module: {name: tensor - received[module][name] for name, tensor in tensors.items()}
        for module, tensors in visit.opened.modules.items()
    }
