"""What may be claimed about privacy, with everything that the claim depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from qfl.core.errors import ConfigError, SecurityError


class Adjacency(StrEnum):
    """Which two federations must look alike."""

    ADD_OR_REMOVE = "add or remove one client"
    ZERO_OUT = "replace one client's changes by zero"
    REPLACE = "replace one client"


class Conversion(StrEnum):
    """How epsilon was computed, tightest first."""

    PLD = "privacy loss distribution"
    PLD_DOMINATING = "privacy loss distribution of a dominating Gaussian"
    RDP = "Renyi, improved conversion"
    RDP_CLASSIC = "Renyi, classic conversion"
    RDP_ALONE = (
        "Renyi, improved conversion; no loss distribution is proven for this noise on vectors"
    )
    EXACT = "exact Gaussian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """An upper bound on what the releases of a whole training say about one client.

    Attributes:
        epsilon, delta: of (epsilon, delta)-differential privacy.
        adjacency: between which federations.
        conversion: how epsilon was computed.
        rounds: releases that are covered.
        sampling: how the clients of a round are chosen.
        dropouts: noise shares that may be missing.

    >>> print(Guarantee(epsilon=2.3817, delta=1e-5, adjacency=Adjacency.ADD_OR_REMOVE,
    ...                 conversion=Conversion.PLD, rounds=100, sampling="Poisson, q = 0.1"))
    (2.382, 1e-05)-DP for 100 rounds; add or remove one client; Poisson, q = 0.1; \
privacy loss distribution
    """

    epsilon: float
    delta: float
    adjacency: Adjacency
    conversion: Conversion
    rounds: int
    sampling: str
    dropouts: int = 0

    def __str__(self) -> str:
        missing = f"; up to {self.dropouts} noise shares missing" if self.dropouts else ""
        return (
            f"({self.epsilon:.4g}, {self.delta:.4g})-DP for {self.rounds} rounds; "
            f"{self.adjacency.value}; {self.sampling}; {self.conversion.value}{missing}"
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What a number of releases guarantee.

    Attributes:
        guarantee: the tightest proven, as a rule by loss distributions.
        epsilon_renyi: by Renyi divergences.
    """

    guarantee: Guarantee
    epsilon_renyi: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that a training may say about one client.

    Attributes:
        epsilon, delta: that no sequence of releases may exceed.
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        if not (0 < self.epsilon < float("inf") and 0 < self.delta < 1):
            raise ConfigError(
                f"a privacy budget of ({self.epsilon!r}, {self.delta!r}); allowed: epsilon "
                "positive and finite, delta between 0 and 1"
            )

    def rounds(self, price: Callable[[int], Guarantee], *, most: int) -> int:
        """Return the most rounds, up to `most`, that the budget pays for.

        Args:
            price: rounds -> what they cost together; must not fall.
            most: rounds wanted.

        >>> linear = lambda rounds: Guarantee(
        ...     epsilon=0.3 * rounds, delta=1e-5, adjacency=Adjacency.REPLACE,
        ...     conversion=Conversion.EXACT, rounds=rounds, sampling="none")
        >>> Budget(epsilon=2.0, delta=1e-5).rounds(linear, most=100)
        6
        """
        low, high = 0, most + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._covers(price(middle)) else (low, middle)
        return low

    def require(self, guarantee: Guarantee) -> Guarantee:
        """Return the guarantee if the budget covers it; ask before the release, not after.

        Raises:
            SecurityError: it does not; training stops here.
        """
        if not self._covers(guarantee):
            raise SecurityError(
                f"the next release would leave {guarantee}, over the budget of "
                f"({self.epsilon:g}, {self.delta:g}); nothing more may be released"
            )
        return guarantee

    def _covers(self, guarantee: Guarantee) -> bool:
        return guarantee.epsilon <= self.epsilon and guarantee.delta <= self.delta
