"""What a way to divide clients must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.federation.world import World
from qfl.models.m3t import State

Direction = Mapping[str, NDArray[np.float64]]
"""Module -> flattened change that a client last sent, unit length."""


class Dividing(Protocol):
    """A division at work.

    Attributes:
        names: of all clusters there may be, first that of clients of whom nothing is known.
        members: index of a client -> its cluster, as far as the server knows.
    """

    names: tuple[str, ...]
    members: dict[int, str]

    def offered(self, client: int) -> tuple[str, ...]:
        """Return the clusters whose copies come down to a client; of several it takes one."""
        ...

    def begun(self, cluster: str, copies: State) -> State:
        """Return the copies of a cluster as they begin, given the modules as they do."""
        ...

    def heard(
        self, told: Mapping[int, str], directions: Mapping[int, Direction], round_index: int
    ) -> Mapping[str, str]:
        """Learn from a round; return new cluster -> the cluster whose copies it starts from.

        Args:
            told: index of a client -> the cluster whose copies its answer has changed.
            directions: index of a client -> its last changes of modules that clusters share, where
                the server saw them alone.
            round_index: of the round.
        """
        ...


class OneEach(ABC):
    """A division in which a client has one cluster at a time, and all copies begin alike.

    Args:
        names: of all clusters, first that of clients of whom nothing is known.
        members: index of a client -> its cluster, for all of them.
    """

    def __init__(self, names: Iterable[str], members: Mapping[int, str]) -> None:
        self.names = tuple(names)
        self.members = dict(members)

    def offered(self, client: int) -> tuple[str, ...]:
        """Return its cluster."""
        return (self.members[client],)

    def begun(self, cluster: str, copies: State) -> State:
        """Return the modules: copies part when clients do."""
        return copies

    @abstractmethod
    def heard(
        self, told: Mapping[int, str], directions: Mapping[int, Direction], round_index: int
    ) -> Mapping[str, str]:
        """Learn from a round, as `Dividing` says."""


@dataclass(frozen=True, slots=True)
class NoClusters:
    """No module has copies; no options."""


class Division(Protocol):
    """A way to divide clients; options are its fields."""

    @property
    def learned(self) -> bool:
        """Whether clusters come out of training; else they are known before it."""
        ...

    def start(self, world: World) -> Dividing:
        """Return it at work in one federation."""
        ...
