"""What a record counts: sizes, and what the visits of a round add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from qfl.core.decision import Bill
from qfl.core.events import LinkEvent
from qfl.core.gather import Gathered
from qfl.core.personal import Comparison
from qfl.core.record import Costs, Timings
from qfl.federation.steps.turns import Turns
from qfl.federation.steps.visit import Visit
from qfl.models.m3t import Architecture
from qfl.models.policies import ExchangePolicy


def spent(visits: Sequence[Visit], gathered: Gathered, turns: Turns) -> Costs:
    """Return what all visits cost, and the keys that clients share; links between clients work at
    once."""
    shared = Costs(
        key_bits_produced=gathered.key_bits_produced, key_bits_used=gathered.key_bits_used
    )
    return replace(
        sum((visit.costs for visit in visits), shared),
        virtual_seconds=turns.seconds + gathered.waiting_seconds,
    )


def links(visits: Sequence[Visit]) -> tuple[LinkEvent, ...]:
    """Return the key exchanges, in the order of the visits."""
    return tuple(visit.event for visit in visits if visit.event is not None)


def comparisons(visits: Sequence[Visit]) -> tuple[Comparison, ...]:
    """Return how personal models compared with the common one, client by client."""
    return tuple(each for visit in visits for each in visit.comparisons)


def excluded(visits: Sequence[Visit]) -> dict[str, str]:
    """Return client -> why nothing that it did counts."""
    return {visit.client: visit.excluded for visit in visits if visit.excluded}


def deciding(bill: Bill, started: float) -> Timings:
    """Return the real seconds since `started`, and those of a decision among them."""
    return Timings(
        classical_seconds=bill.classical_seconds,
        quantum_seconds=bill.qpu_seconds + bill.queue_seconds,
        total_seconds=perf_counter() - started,
    )


def timings(bill: Bill, visits: Sequence[Visit], gathering: float, started: float) -> Timings:
    """Return the real seconds since `started`, and who took them."""
    return replace(
        deciding(bill, started),
        training_seconds=sum(visit.training_seconds for visit in visits),
        channel_seconds=sum(visit.channel_seconds for visit in visits) + gathering,
    )


def sizes(model: Architecture, exchange: ExchangePolicy) -> dict[str, int]:
    """Return how many numbers a model has, sends and keeps in quantum gates."""
    return {
        "all": model.count(lambda module, name: True),
        "exchanged": model.count(
            lambda module, name: exchange[module].exchanged and exchange[module].moves(name)
        ),
        "quantum": model.quantum_parameters,
    }
