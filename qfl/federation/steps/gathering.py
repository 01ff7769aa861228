"""Bringing the answers of a round home: some may lie, all keep their privacy, some stay behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qfl.core.gather import Answer, Gathered
from qfl.federation.averaging.codecs import Coder
from qfl.federation.averaging.private import Privacy
from qfl.federation.averaging.weighing import held_by_enough
from qfl.federation.plan import Policies
from qfl.federation.steps.visit import Visit, settle
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
            found.append(settle(visit, participant.client, arrival))
        else:
            found.append(visit)
    return found
