"""Bringing the answers of a round home: some may lie, all keep their privacy, some stay behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qfl.core.gather import Answer, Arrival, Gathered
from qfl.core.record import Costs
from qfl.federation.averaging.codecs import Coder
from qfl.federation.averaging.private import Privacy
from qfl.federation.averaging.weighing import held_by_enough
from qfl.federation.deciding.uplink import Upload
from qfl.federation.plan import Policies
from qfl.federation.population import Client
from qfl.federation.steps.visit import Visit
from qfl.federation.training.exclusions import finite
from qfl.federation.world import Participant


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """What came home.

    Attributes:
        gathered: everything that arrived.
        withheld: module -> why nobody sent it.
        excluded: client -> why its answer was not sent.
    """

    gathered: Gathered
    withheld: Mapping[str, str]
    excluded: Mapping[str, str]


def bring_home(
    answers: Sequence[Answer],
    *,
    policies: Policies,
    privacy: Privacy | None,
    coder: Coder,
    min_holders: int,
    round_index: int,
    rng: np.random.Generator,
) -> Home:
    """Return what the clients that were reached send back.

    Args:
        answers: what they want to send.
        policies: who lies, and who gathers.
        privacy: what clips and blurs; None: nobody does.
        coder: encodes and decodes.
        min_holders: fewest of these clients that must hold a module for it to be sent.
        round_index: names the round.
        rng: drives the gatherer.
    """
    if policies.adversary:
        answers = policies.adversary.tamper(answers)
    answers, excluded = finite(answers)
    if privacy:
        answers = privacy.cover(answers, round=round_index)
    answers, withheld = held_by_enough(answers, min_holders)
    sent = [coder.encoded(answer) for answer in answers]
    gathered = policies.gatherer.gather(sent, round=round_index, rng=rng)
    if coder.lossy:
        gathered = coder.decoded(gathered, answers)
    if privacy:
        gathered = privacy.blur(gathered, round=round_index)
    return Home(gathered, withheld, excluded)


def settled(chosen: Sequence[Participant], visits: Sequence[Visit], home: Home) -> list[Visit]:
    """Return the visits, in the order of the `chosen`, with what became of their answers."""
    found = []
    for participant, visit in zip(chosen, visits, strict=True):
        if (why := home.excluded.get(visit.client)) is not None:
            found.append(replace(visit, answer=None, excluded=why))
        elif visit.answer is not None:
            arrival = home.gathered.arrivals[visit.client]
            found.append(_settled(visit, participant.client, arrival))
        else:
            found.append(visit)
    return found


def _settled(visit: Visit, client: Client, arrival: Arrival) -> Visit:
    """Return the visit with what became of its answer."""
    assert visit.event is not None  # who answers was called
    event = replace(
        visit.event,
        key_bits_left=visit.event.key_bits_left - arrival.key_bits,
        aborted=visit.event.aborted or arrival.refused,
    )
    if not arrival.wire_bytes:
        return replace(visit, event=event)
    upload = Upload(
        client=client.name,
        ready_seconds=visit.costs.virtual_seconds,
        upload_seconds=client.access.uplink_seconds(arrival.wire_bytes),
    )
    spent = Costs(
        payload_bytes_up=arrival.wire_bytes,
        energy_joules=client.access.uplink_joules(arrival.wire_bytes),
        virtual_seconds=upload.upload_seconds,
        key_bits_used=arrival.key_bits,
    )
    return replace(
        visit,
        event=event,
        costs=visit.costs + spent,
        arrived=arrival.arrived,
        counted=arrival.modules,
        opened=arrival.opened,
        upload=upload,
    )
