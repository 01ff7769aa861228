"""Local training: what happens at a client between download and upload.

One torch thread per process is assumed: the models are small, and two threads that spin on a busy
machine were measured to be 10 to 40 times slower than one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.ranges import check_ranges
from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples
from qfl.federation.training.losses import Parameters, labels, reported, run
from qfl.federation.training.optimisers import RULES, Optimiser, follow
from qfl.federation.training.remedies import balance, dimmed, draw_kept, unimodal_loss
from qfl.models.m3t import Architecture, State
from qfl.models.notes import Notes
from qfl.models.policies import ExchangePolicy

_DEVICES = ("cpu", "cuda")
_RANGES = {
    "epochs": "[1, inf)",
    "batch_size": "[1, inf)",
    "learning_rate": "[0, inf)",
    "clip_norm": "(0, inf]",
    "modality_dropout": "[0, 1)",
    "gradient_balance": "[0, inf)",
    "unimodal_loss": "[0, inf)",
}
BALANCE = 0.01
"""Weight of the load-balancing term of routed experts (Fedus et al. 2021, arXiv:2101.03961)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One step of one client, as an algorithm's own term of the loss sees it.

    In a stack of clients this runs under `vmap`: tensor operations alone, no branch on a value.

    Attributes:
        parameters: the present weights, name -> tensor.
        reference: what the client downloaded.
        carried: what the algorithm laid beside the model for this client, name -> tensor.
        batch: n samples.
        weights: (n,) of the samples, summing to one; None weighs them equally.
        outputs: task -> outputs of the model.
        notes: what the forward pass left behind.
    """

    parameters: Parameters
    reference: Parameters
    carried: Mapping[str, Tensor]
    batch: TensorSamples
    weights: Tensor | None
    outputs: Mapping[str, Tensor]
    notes: Notes


LocalObjective = Callable[[Step], Tensor | None]
"""A term added to the task losses of a step, or None; a client for which it is None at one step has
none in the whole round."""


@dataclass(frozen=True, slots=True)
class LocalTraining:
    """Minibatch training at a client.

    Attributes:
        epochs: passes over the client's training samples per round, at least 1.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        learning_rate: step size.
        clip_norm: a step's gradient is scaled down to at most this Euclidean norm; inf never is.
        optimiser: sgd, or adamw with torch's defaults; it starts afresh in every round.
        modality_dropout: in every epoch each modality of each sample is hidden with this
            probability, but never all of them.
        gradient_balance: alpha of OGM; above 0, encoders of modalities that are ahead learn slower.
        unimodal_loss: weight of the mean loss with each modality alone.
        device: where clients train, cpu or cuda; graphics cards round differently.
    """

    epochs: int = 2
    batch_size: int = 16
    learning_rate: float = 0.1
    clip_norm: float = 1.0
    optimiser: Literal["sgd", "adamw"] = "sgd"
    modality_dropout: float = 0.0
    gradient_balance: float = 0.0
    unimodal_loss: float = 0.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.device.partition(":")[0] not in _DEVICES:
            raise UnknownNameError("device", self.device, _DEVICES)
        check_ranges(self, _RANGES)

    def passes(self, modalities: int) -> float:
        """Return how often a round uses every weight for a sample, forward and backward.

        The passes of a remedy, which show one of several modalities each, count as a whole one
        together; those that need no gradient as a third of it.
        """
        extra = bool(self.unimodal_loss) + bool(self.gradient_balance) / 3
        return self.epochs * (1.0 + extra * (modalities > 1))

    def steps_on(self, weights: Sequence[Tensor]) -> Optimiser:
        """Return the optimiser of one round for `weights`."""
        if self.optimiser not in RULES:
            raise UnknownNameError("optimiser", self.optimiser, RULES)
        return RULES[self.optimiser](weights, self.learning_rate)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignment:
    """What clients are asked to do with a model.

    Attributes:
        tasks: those to answer for.
        training: epochs, batch size, step size.
        objective: the algorithm's term beyond the task losses, if any.
        exchange: which modules move at all; the others are held fixed.
    """

    tasks: tuple[Task, ...]
    training: LocalTraining
    objective: LocalObjective | None = None
    exchange: ExchangePolicy = field(default_factory=ExchangePolicy)

    def moving(self, model: Architecture) -> tuple[str, ...]:
        """Return the names of the tensors of `model` that training changes.

        Raises:
            ConfigError: all modules are frozen.
        """
        moving = tuple(
            name
            for name in model.shapes
            if self.exchange[model.module_of(name)[0]].moves(model.module_of(name)[1])
        )
        if not moving:
            raise ConfigError(
                f"every module is frozen: {', '.join(model.module_ids)}; exchange more of them"
            )
        return moving


@dataclass(frozen=True, eq=False)
class Trained:
    """What a client ends a round with.

    Attributes:
        state: its modules after training.
        losses: task -> mean loss of the samples that have its label, over the round's steps; left
            out where none has.
        operations: floating-point operations the training took.
        steps: of the optimiser.
    """

    state: State
    losses: Mapping[str, float]
    operations: float
    steps: int


def local_loss(
    model: Architecture,
    parameters: Parameters,
    reference: Parameters,
    batch: TensorSamples,
    *,
    assignment: Assignment,
    carried: Mapping[str, Tensor],
    weights: Tensor | None = None,
) -> tuple[dict[str, Tensor], Tensor]:
    """Return task -> mean loss of a batch, and what a client minimises.

    That is the sum of the task losses, those with a learned variance weighed by it, plus the
    load-balancing terms of routed experts, the remedies against laziness and the algorithm's own
    term. The loss of a task is the mean over the samples that have its label, 0 if none has.

    For a stack of clients everything has an axis for them in front, but samples, which stand client
    after client on one axis; the results are (K,). Every layer must be `Stackable`.

    Args:
        model: the client's architecture.
        parameters: its present weights.
        reference: what it downloaded.
        batch: n samples, or K n.
        assignment: tasks and terms.
        carried: what the algorithm laid beside the model.
        weights: (n,) of the samples, summing to one; None weighs them equally; (K, n) for a stack.
    """
    tasks, training = assignment.tasks, assignment.training
    paced = parameters
    if training.gradient_balance:
        strength = training.gradient_balance
        paced = balance(model, parameters, batch, tasks, weights, strength=strength)
    found = run(model, paced, batch, tasks, weights)
    total = found.total
    if found.notes.balance:
        total = total + BALANCE * torch.stack(found.notes.balance).sum(0)
    if training.unimodal_loss:
        single = unimodal_loss(model, paced, batch, tasks, weights)
        total = total if single is None else total + training.unimodal_loss * single
    if assignment.objective is None:
        return found.losses, total
    step = Step(
        parameters=parameters,
        reference=reference,
        carried=carried,
        batch=batch,
        weights=weights,
        outputs=found.outputs,
        notes=found.notes,
    )
    alone = found.notes.clients is None
    term = assignment.objective(step) if alone else _own_terms(assignment.objective, step)
    return found.losses, total if term is None else total + term


def _own_terms(objective: LocalObjective, stack: Step) -> Tensor:
    """Return the algorithm's own term of every client, (K,)."""

    def of_one(parts: tuple[Any, ...], own: dict[str, Any], inside: dict[str, Any]) -> Tensor:
        step = Step(batch=TensorSamples(*parts), notes=Notes(own["weights"], **inside), **own)
        term = objective(step)
        return own["weights"].new_zeros(()) if term is None else term

    notes = stack.notes
    own = {
        "parameters": stack.parameters,
        "reference": stack.reference,
        "carried": stack.carried,
        "weights": stack.weights,
        "outputs": {name: notes.by_client(x) for name, x in stack.outputs.items()},
    }
    inside = {
        "balance": notes.balance,
        "routed": notes.routed,
        "latents": {name: notes.by_client(x) for name, x in notes.latents.items()},
        "readouts": {name: notes.by_client(x) for name, x in notes.readouts.items()},
        "log_variances": notes.log_variances,
    }
    parts = tuple({n: notes.by_client(x) for n, x in part.items()} for part in stack.batch.parts)
    return vmap(of_one)(parts, own, inside)


def train(
    model: Architecture,
    state: State,
    samples: TensorSamples,
    *,
    assignment: Assignment,
    rng: np.random.Generator,
    carried: Mapping[str, Tensor] | None = None,
) -> Trained:
    """Return the modules of `state` after local training on the sum of the task losses.

    Args:
        model: the client's architecture.
        state: what it downloaded; left untouched.
        samples: its training samples.
        assignment: what it is asked to do.
        rng: orders the batches.
        carried: what the algorithm laid beside the model, name -> tensor.
    """
    training = assignment.training
    reference = model.flatten(state)
    moving = {n: reference[n].clone().requires_grad_() for n in assignment.moving(model)}
    optimiser = training.steps_on(list(moving.values()))
    totals = {task.name: 0.0 for task in assignment.tasks}
    n = len(samples)
    for _ in range(training.epochs):
        order = torch.from_numpy(rng.permutation(n))
        kept = draw_kept(samples, training.modality_dropout, rng)
        for rows in torch.split(order, training.batch_size):
            batch = samples.take(rows)
            if kept is not None:
                batch = dimmed(batch, torch.from_numpy(kept)[rows])
            losses, loss = local_loss(
                model,
                {**reference, **moving},
                reference,
                batch,
                assignment=assignment,
                carried=carried or {},
            )
            follow(optimiser, loss, clip_norm=training.clip_norm)
            for name, value in losses.items():
                totals[name] += float(value.detach()) * labels(batch, name)
    trained = {name: tensor.detach() for name, tensor in moving.items()}
    return Trained(
        state=model.unflatten({**reference, **trained}),
        losses=reported(totals, samples, training.epochs),
        operations=model.training_operations(n * training.passes(len(samples.inputs))),
        steps=training.epochs * -(-n // training.batch_size),
    )
