"""Ways to go through a stream: naively, with some old samples, or tied to what mattered before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples
from qfl.core.update import Update
from qfl.federation.continual.streams import Stage
from qfl.federation.engine import Step, Trained
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import Client, Population
from qfl.federation.round import Federation
from qfl.federation.training.losses import run
from qfl.federation.world import Participant, World
from qfl.models.m3t import State, submodel

_ANCHOR, _FISHER = "anchor:", "fisher:"
"""Before the name of a parameter in `Step.carried`."""
_MOST = 32
"""Samples of a client that its Fisher information is estimated from."""

Weights = dict[str, Tensor]
"""Parameter name -> tensor."""


class Way(Protocol):
    """A way to go through a stream; options are its fields."""

    def population(self, stages: Sequence[Stage], at: int, streams: Streams) -> Population:
        """Return who trains on what in a stage."""
        ...

    def tie(self, federation: Federation, earlier: Tie | None) -> Tie | None:
        """Return what ties the next stage to those learnt so far, None if nothing does."""
        ...


@dataclass(frozen=True, slots=True)
class Naive:
    """Every stage on its own samples alone; no options."""

    def population(self, stages: Sequence[Stage], at: int, streams: Streams) -> Population:
        """Return the stage's own."""
        return stages[at].population

    def tie(self, federation: Federation, earlier: Tie | None) -> None:
        """Return None."""
        return


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Every client keeps some samples of earlier stages and trains on them too.

    Attributes:
        memory: samples that a client keeps, of all earlier stages together.
    """

    memory: int = 50

    def __post_init__(self) -> None:
        if self.memory < 1:
            raise ConfigError(f"memory must be at least 1 sample, got {self.memory}")

    def population(self, stages: Sequence[Stage], at: int, streams: Streams) -> Population:
        """Return the stage with the same number of samples of each earlier one added.

        Raises:
            ConfigError: in the last stage, a client could keep no sample of each earlier one.
        """
        if self.memory < len(stages) - 1:
            raise ConfigError(
                f"a memory of {self.memory} holds no sample of each of {len(stages) - 1} earlier "
                f"stages; take memory >= {len(stages) - 1}, or fewer stages"
            )
        present = stages[at].population
        clients = []
        for client, number in zip(present.clients, present.numbers, strict=True):
            old = [_train_of(stage.population, number) for stage in stages[:at]]
            parts = [samples for samples in old if samples is not None]
            kept = [
                samples.take(
                    streams("memory", number, stage).permutation(len(samples))[
                        : self.memory // len(parts)
                    ]
                )
                for stage, samples in enumerate(parts)
            ]
            clients.append(replace(client, train=_joined([client.train, *kept])))
        return replace(present, clients=tuple(clients))

    def tie(self, federation: Federation, earlier: Tie | None) -> None:
        """Return None."""
        return


@dataclass(frozen=True, slots=True)
class Ewc:
    """Weights are pulled to where they were, each as hard as it mattered to the client's data.

    Attributes:
        strength: of the pull.

    Reference: Kirkpatrick et al., PNAS 114, 3521 (2017), with an empirical diagonal Fisher
    information per client, summed over stages.
    """

    strength: float = 100.0

    def __post_init__(self) -> None:
        if not self.strength >= 0:
            raise ConfigError(f"strength must not be negative, got {self.strength}")

    def population(self, stages: Sequence[Stage], at: int, streams: Streams) -> Population:
        """Return the stage's own."""
        return stages[at].population

    def tie(self, federation: Federation, earlier: Tie | None) -> Tie:
        """Return the present weights, and how much they mattered so far."""
        fisher = dict(earlier.fisher) if earlier else {}
        for who in federation.participants:
            own = fisher_information(who, submodel(federation.state, who.model.module_ids))
            before = fisher.get(who.number, {})
            fisher[who.number] = {n: f + before.get(n, 0.0) for n, f in own.items()}
        return Tie(self.strength, dict(federation.state), fisher)


def fisher_information(who: Participant, state: State) -> Weights:
    """Return the mean squared gradient of a client's loss, sample by sample, for every weight.

    Args:
        who: its first `_MOST` training samples count.
        state: its modules.
    """
    weights = who.model.flatten(state)
    total = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    count = min(_MOST, len(who.train))
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
        strength: of the pull.
        state: the modules it pulls to.
        fisher: number of a client -> parameter -> how much it mattered.
    """

    strength: float
    state: State
    fisher: Mapping[int, Weights]

    def start(self, world: World) -> Tie:
        """Return itself: there is nothing more to remember."""
        return self

    def pack(self, participant: Participant, offered: State) -> State:
        """Return the modules as they are: the client has its own weights of importance."""
        return offered

    def carried(self, participant: Participant, received: State) -> Weights:
        """Return old weights and their importance, 0 where a client is new."""
        model = participant.model
        old = model.flatten(submodel(self.state, model.module_ids))
        own = self.fisher.get(participant.number, {})
        found: Weights = {}
        for name, tensor in old.items():
            found[_ANCHOR + name] = tensor
            found[_FISHER + name] = own.get(name, torch.zeros_like(tensor))
        return found

    def local_objective(self, step: Step) -> Tensor:
        """Return (strength / 2) sum F (w - w_old)^2."""
        terms = [
            (step.carried[_FISHER + name] * (tensor - step.carried[_ANCHOR + name]).square()).sum()
            for name, tensor in step.parameters.items()
        ]
        return self.strength / 2 * torch.stack(terms).sum()

    def answer(self, participant: Participant, received: State, trained: Trained) -> State:
        """Return the trained modules."""
        return submodel(trained.state, received)

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)


def _train_of(population: Population, number: int) -> Samples | None:
    clients: dict[int, Client] = dict(zip(population.numbers, population.clients, strict=True))
    return clients[number].train if number in clients else None


def _joined(parts: Sequence[Samples]) -> Samples:
    """Samples of one client behind each other."""
    first = parts[0]

    def mask(name: str, which: str) -> NDArray[np.bool_]:
        found = (getattr(part, which).get(name, np.ones(len(part), np.bool_)) for part in parts)
        return np.concatenate(list(found))

    masks = {
        which: {name: mask(name, which) for part in parts for name in getattr(part, which)}
        for which in ("available", "labelled")
    }
    return Samples(
        np.concatenate([part.ids for part in parts]),
        {n: np.concatenate([part.inputs[n] for part in parts]) for n in first.inputs},
        {n: np.concatenate([part.targets[n] for part in parts]) for n in first.targets},
        masks["available"],
        masks["labelled"],
    )
