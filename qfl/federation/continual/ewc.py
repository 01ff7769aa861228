"""Elastic weight consolidation: weights are tied to what mattered to a client's earlier stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.record import Costs
from qfl.core.update import Update
from qfl.federation.continual.stages import Itinerary
from qfl.federation.continual.ways import CONTINUAL, Memento
from qfl.federation.engine import Step, Trained
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import Population
from qfl.federation.round import Federation
from qfl.federation.training.losses import run
from qfl.federation.world import Participant, World
from qfl.models.m3t import State, submodel

_ANCHOR, _FISHER = "anchor:", "fisher:"
"""Before the name of a parameter in `Step.carried`."""

Weights = dict[str, Tensor]
"""Parameter name -> tensor."""


@dataclass(frozen=True, slots=True)
class Ewc:
    """Weights are pulled to where they were, each as hard as it mattered to the client's data.

    At the end of a stage everybody who was in it downloads the model and finds out, from some of
    its samples, how much each weight matters: both are on the bill.

    Attributes:
        pull: how hard.
        fisher_samples: of a client and a stage, from which importance is estimated.

    Reference: Kirkpatrick et al., PNAS 114, 3521 (2017), with an empirical diagonal Fisher
    information per client, summed over stages.
    """

    says: ClassVar[tuple[str, ...]] = CONTINUAL
    afresh: ClassVar[bool] = False
    pull: float = 100.0
    fisher_samples: int = 32

    def __post_init__(self) -> None:
        if not self.pull >= 0 or self.fisher_samples < 1:
            raise ConfigError(
                f"pull {self.pull} and fisher_samples {self.fisher_samples}; allowed: 0 or more, "
                "and at least 1"
            )

    def population(self, itinerary: Itinerary, at: int) -> Population:
        """Return the stage's own."""
        return itinerary.stages[at].population

    def remember(self, federation: Federation, earlier: Memento | None, at: int) -> Memento:
        """Return the present weights, and how much they mattered so far.

        A client whose link gives no key gets no model: it keeps what it knew of earlier stages.
        """
        tie = cast(Tie, earlier.algorithm) if earlier else None
        fisher, homes = (dict(tie.fisher), dict(tie.homes)) if tie else ({}, {})
        visits = federation.courier.hand_out(
            federation.participants,
            federation.state,
            round_index=federation.schedule.rounds + 1 + at,
        )
        costs, waited = Costs(), 0.0
        for who, visit in zip(federation.participants, visits, strict=True):
            spent = visit.costs
            kept = federation.courier.kept.get(who.index, {})
            homes[who.number] = {**homes.get(who.number, {}), **kept}
            if visit.event is not None and not visit.event.aborted:
                state = submodel({**federation.state, **kept}, who.model.module_ids)
                own = fisher_information(who, state, self.fisher_samples)
                before = fisher.get(who.number, {})
                fisher[who.number] = before | {n: f + before.get(n, 0.0) for n, f in own.items()}
                spent += _computing(who, min(self.fisher_samples, len(who.train)))
            costs += spent
            waited = max(waited, spent.virtual_seconds)
        return Memento(
            algorithm=Tie(self.pull, dict(federation.state), fisher, homes),
            costs=replace(costs, virtual_seconds=waited),  # all clients at once
            links=tuple(visit.event for visit in visits if visit.event is not None),
            size_bytes=sum(2 * _size(own) for own in fisher.values()),
        )


def fisher_information(who: Participant, state: State, samples: int) -> Weights:
    """Return the mean squared gradient of a client's loss, sample by sample, for every weight.

    Args:
        who: the client.
        state: its modules.
        samples: so many of its training samples count, the first ones.
    """
    weights = who.model.flatten(state)
    total = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    count = min(samples, len(who.train))
    for row in range(count):
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
        sample = who.train.take(torch.tensor([row]))
        loss = run(who.model, leaves, sample, who.client.tasks, None).total
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        for name, gradient in zip(leaves, gradients, strict=True):
            if gradient is not None:
                total[name] += gradient.square() / count
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Tie:
    """FedAvg with a pull at every client; an algorithm for the stages after the first.

    Attributes:
        pull: how hard.
        state: the modules it pulls to.
        fisher: number of a client -> parameter -> how much it mattered.
        homes: number of a client -> its own version of modules that never travel; it is pulled to
            these.
    """

    pull: float
    state: State
    fisher: Mapping[int, Weights]
    homes: Mapping[int, State] = field(default_factory=dict)

    def start(self, world: World) -> Tie:
        """Return itself: there is nothing more to remember."""
        return self

    def pack(self, participant: Participant, offered: State) -> State:
        """Return the modules as they are: the client has its own weights of importance."""
        return offered

    def carried(self, participant: Participant, received: State) -> Weights:
        """Return old weights and their importance, 0 where a client is new."""
        model = participant.model
        there = {**self.state, **self.homes.get(participant.number, {})}
        old = model.flatten(submodel(there, model.module_ids))
        own = self.fisher.get(participant.number, {})
        found: Weights = {}
        for name, tensor in old.items():
            found[_ANCHOR + name] = tensor
            found[_FISHER + name] = own.get(name, torch.zeros_like(tensor))
        return found

    def local_objective(self, step: Step) -> Tensor:
        """Return (pull / 2) sum F (w - w_old)^2."""
        terms = [
            (step.carried[_FISHER + name] * (tensor - step.carried[_ANCHOR + name]).square()).sum()
            for name, tensor in step.parameters.items()
        ]
        return self.pull / 2 * torch.stack(terms).sum()

    def answer(self, participant: Participant, received: State, trained: Trained) -> State:
        """Return the trained modules."""
        return submodel(trained.state, received)

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)


def _computing(who: Participant, samples: int) -> Costs:
    operations = who.model.training_operations(samples)
    return Costs(
        energy_joules=who.client.device.compute_joules(operations),
        virtual_seconds=who.client.device.compute_seconds(operations),
        training_operations=operations,
    )


def _size(weights: Weights) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
