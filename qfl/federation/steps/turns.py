"""When the uploads of a round are over: clients work side by side, on a shared uplink they wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from qfl.core.choice import Choice, Yardstick
from qfl.core.decision import Bill
from qfl.core.problem import Problem
from qfl.federation.deciding.uplink import Scheduler, finish_seconds
from qfl.federation.steps.visit import Visit
from qfl.federation.world import Participant
from qfl.network.links import Interference


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """When a round's uploads are over, and the decision behind it if there was one."""

    seconds: float
    bill: Bill = field(default_factory=Bill)
    choice: Choice | None = None


def take_turns(
    chosen: Sequence[Participant],
    visits: Sequence[Visit],
    *,
    scheduler: Scheduler | None,
    interference: Interference,
    measure: Callable[[Problem], Yardstick | None],
    rng: np.random.Generator,
) -> Turns:
    """Return when the round is over.

    Args:
        chosen: who was called.
        visits: what came of it, in the same order.
        scheduler: assigns the slots; None: nothing is shared.
        interference: which of all participants disturb each other.
        measure: finds the range of the problem for the record.
        rng: drives the solver.
    """
    alone = max(visit.costs.virtual_seconds for visit in visits)
    pairs = zip(chosen, visits, strict=True)
    waiting = [(p.index, visit.upload) for p, visit in pairs if visit.upload is not None]
    if scheduler is None or not waiting:
        return Turns(alone)
    uploads = [upload for _, upload in waiting]
    clients = [index for index, _ in waiting]
    theirs = interference.among(clients)
    problem, decision = scheduler.decide(uploads, theirs, rng=rng)
    finished = finish_seconds(
        uploads,
        problem.decode(problem.names, decision.x),
        theirs,
        loss=scheduler.uplink.interference_loss,
    )
    aborted = [visit.costs.virtual_seconds for visit in visits if visit.upload is None]
    seconds = max(*finished.values(), *aborted)
    return Turns(seconds, decision.bill, Choice.of(decision, measure(problem)))
