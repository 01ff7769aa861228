"""The question of a round: which clients are worth it, alike and slow, as far as a server knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfl.core.problem import Problem
from qfl.federation.deciding.holdings import Holdings
from qfl.federation.deciding.selection import Observations
from qfl.federation.plan import Policies
from qfl.federation.world import Participant
from qfl.models.policies import ExchangePolicy


def selection_problem(
    participants: Sequence[Participant],
    observations: Observations,
    holdings: Holdings,
    *,
    policies: Policies,
    exchange: ExchangePolicy,
    choose: int,
    round_index: int,
) -> Problem:
    """Return whom to choose, as a problem.

    Args:
        participants: all clients.
        observations: what the server remembers of them.
        holdings: what they declared.
        policies: the weights of all considerations, and who builds problems.
        exchange: which modules travel.
        choose: how many are wanted.
        round_index: the present round.
    """
    weights = policies.weights
    n = len(participants)
    utility = observations.utility(
        np.array([len(p.train) for p in participants]), weights, round_index
    )
    if weights.coverage:
        waiting = holdings.waiting(observations.last_round, round_index)
        utility = utility + weights.coverage * waiting * choose / n
    redundancy = weights.redundancy * observations.redundancy()
    if weights.overlap:
        redundancy = redundancy + weights.overlap * holdings.overlap()
    seconds = np.array([_expected_seconds(p, policies, exchange) for p in participants])
    return policies.propose(
        utility=utility,
        redundancy=redundancy,
        choose=choose,
        cost=weights.latency * seconds / seconds.max(),
        names=tuple(p.client.name for p in participants),
    )


def _expected_seconds(
    participant: Participant, policies: Policies, exchange: ExchangePolicy
) -> float:
    """What the server expects a visit to take: both transfers and the training."""
    client, model = participant.client, participant.model
    passes = len(participant.train) * policies.training.passes(len(client.modalities))
    size = 4 * model.parameters_of(*exchange.exchanged(model.module_ids))
    return (
        client.access.downlink_seconds(size)
        + client.device.compute_seconds(model.training_operations(passes))
        + client.access.uplink_seconds(size)
    )
