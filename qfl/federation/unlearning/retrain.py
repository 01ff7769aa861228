"""Forgetting by retraining, the oracle; and doing nothing, the other end of the scale."""

from __future__ import annotations

from dataclasses import dataclass

from qfl.federation.population import Population
from qfl.federation.round import Federation
from qfl.federation.unlearning.requests import Erasure
from qfl.federation.unlearning.systems import Forgotten, Found, Founding, spent


@dataclass(frozen=True, slots=True)
class Retrain:
    """All rounds again without what is forgotten, from the same fresh weights; no options."""

    def begin(self, found: Found, population: Population) -> Federation:
        """Return the federation."""
        return found(population, Founding())

    def forget(
        self, system: Federation, erasure: Erasure, *, found: Found, played: int
    ) -> Forgotten:
        """Return a federation that never met what is erased."""
        fresh = found(erasure.rest, Founding(run="/retrained"))
        return Forgotten(system=fresh, costs=spent(fresh.train(1, played)))


@dataclass(frozen=True, slots=True)
class Nothing:
    """Who is forgotten leaves, and the other modules stay as they are; no options."""

    def begin(self, found: Found, population: Population) -> Federation:
        """Return the federation."""
        return found(population, Founding())

    def forget(
        self, system: Federation, erasure: Erasure, *, found: Found, played: int
    ) -> Forgotten:
        """Return the same modules among the members who stay, at no cost."""
        founding = Founding(run="/left", standing=system.standing())
        return Forgotten(system=found(erasure.rest, founding))
