"""The question of a round: which clients are worth it, alike and slow, as far as a server knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qfl.core.decision import Decision
from qfl.core.errors import CapacityError, ProblemError
from qfl.core.ports import Solver
from qfl.core.problem import Problem
from qfl.federation.deciding.holdings import Holdings
from qfl.federation.deciding.selection import Observations
from qfl.federation.plan import Policies
from qfl.federation.world import Participants
from qfl.models.policies import ExchangePolicy


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked in a round.

    Attributes:
        round: the present one.
        choose: how many clients are wanted.
        pool: of these, in order.
    """

    round: int
    choose: int
    pool: Sequence[int]


def selection_problem(
    question: Question,
    participants: Participants,
    observations: Observations,
    holdings: Holdings,
    *,
    policies: Policies,
    exchange: ExchangePolicy,
) -> Problem:
    """Return whom to choose, as a problem whose k-th variable is the k-th client of the pool.

    Args:
        question: how many of whom are wanted, and when.
        participants: all clients.
        observations: what the server remembers of them.
        holdings: what they declared.
        policies: the weights of all considerations, and who builds problems.
        exchange: which modules travel.
    """
    weights, asked = policies.weights, question.pool
    utility = observations.utility(participants.sizes, weights, question.round, asked)
    if weights.coverage:
        waiting = holdings.waiting(observations.last_round, question.round)[list(asked)]
        utility = utility + weights.coverage * waiting * question.choose / len(participants)
    redundancy = weights.redundancy * observations.redundancy(asked)
    if weights.overlap:
        redundancy = redundancy + weights.overlap * holdings.overlap(asked)
    seconds = np.array([_expected_seconds(participants, i, policies, exchange) for i in asked])
    return policies.propose(
        utility=utility,
        redundancy=redundancy,
        choose=question.choose,
        cost=weights.latency * seconds / seconds.max(),
        names=tuple(participants.clients[i].name for i in asked),
    )


def decided(solver: Solver, problem: Problem, *, rng: np.random.Generator) -> Decision:
    """Return what a solver says.

    Raises:
        CapacityError: there are too many candidates for it.
    """
    try:
        return solver.solve(problem, rng=rng)
    except CapacityError as error:
        raise CapacityError(
            f"{error}. The round chooses among {problem.n} candidates; a lower "
            "selection.candidates draws a smaller pool of them first"
        ) from None


def named(decision: Decision, question: Question) -> list[int]:
    """Return the clients that a decision names, exactly as many as asked for.

    Args:
        decision: on the problem of the question.
        question: whom of whom.

    Raises:
        ProblemError: it names more or fewer.
    """
    found = [question.pool[i] for i in np.flatnonzero(decision.x).tolist()]
    if len(found) != question.choose:
        raise ProblemError(
            f"solver {decision.solver!r} chose {len(found)} clients instead of {question.choose}; "
            "give it a post-processing that repairs"
        )
    return found


def _expected_seconds(
    participants: Participants, index: int, policies: Policies, exchange: ExchangePolicy
) -> float:
    """What the server expects a visit to take: both transfers and the training."""
    client, model = participants.clients[index], participants.model_of(index)
    passes = int(participants.sizes[index]) * policies.training.passes(len(client.modalities))
    size = 4 * model.parameters_of(*exchange.exchanged(model.module_ids))
    return (
        client.access.downlink_seconds(size)
        + client.device.compute_seconds(model.training_operations(passes))
        + client.access.uplink_seconds(size)
    )
