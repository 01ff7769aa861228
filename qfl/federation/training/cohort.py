"""Local training of many clients at once: one stack of models, one computation per step.

Clients with the same modules and tasks form a cohort. Their weights are stacked on a leading axis.
A model whose layers take such weights (`qfl.models.stacks`) runs once per step on the samples of
all clients; any other runs under `torch.func.vmap`. Every client keeps its own batches, its own
last short batch and its own number of steps: rows that pad a short batch weigh nothing, and a
client that has finished leaves the stack. The numbers are those of `engine.train` up to the order
of floating-point sums, and the same bits for any number of workers: stacks are cut at fixed places.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from queue import SimpleQueue
from threading import Lock

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from qfl.core.errors import CapacityError
from qfl.federation.engine import (
    Assignment,
    LocalObjective,
    Step,
    Trained,
    local_loss,
    train,
)
from qfl.federation.population import TensorSamples
from qfl.federation.training.batches import StackBatch, batches
from qfl.federation.training.losses import Parameters, reported
from qfl.federation.training.optimisers import Optimiser, follow
from qfl.models.m3t import Architecture, State
from qfl.models.products import shared_by

STACK = (10, 20)
"""Fewest and most clients of a stack: enough to share the overhead of operations, few enough for
the caches."""
WORK = 2e8
"""Floating-point operations that make a step long enough."""


@dataclass(frozen=True, eq=False)
class Trainee:
    """One client of a cohort.

    Attributes:
        state: what it downloaded; left untouched.
        samples: its training samples.
        rng: orders its batches.
        carried: what the algorithm laid beside its model, name -> tensor.
    """

    state: State
    samples: TensorSamples
    rng: np.random.Generator
    carried: Mapping[str, Tensor] = field(default_factory=dict)


def train_together(
    model: Architecture,
    trainees: Sequence[Trainee],
    *,
    assignment: Assignment,
    workers: int = 1,
    device: str = "cpu",
) -> list[Trained]:
    """Return what each of `trainees` ends the round with, in their order; see `engine.train`.

    Args:
        model: the architecture that all of them hold.
        trainees: at least one.
        assignment: what all of them are asked to do.
        workers: threads that share the stacks, or the products of a lone one; each should run
            torch on one thread, because threads that wait for each other inside every operation
            spin.
        device: where the stacks are trained, as torch names it; states come from the processor's
            memory and return there.

    Raises:
        CapacityError: this machine has no such device.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise CapacityError(
            f"clients are to train on {device}, and torch finds no graphics card here: take "
            'federation.device = "cpu", or a build of torch for the card'
        )
    _keep_memory()
    size = assignment.training.batch_size
    fewest, most = STACK
    per_stack = max(fewest, min(most, int(WORK / model.training_operations(size))))
    steps = [-(-len(trainee.samples) // size) for trainee in trainees]
    longest_first = sorted(range(len(trainees)), key=lambda i: -steps[i])
    stacks = [longest_first[at : at + per_stack] for at in range(0, len(trainees), per_stack)]

    threads = min(workers, len(stacks))
    idle: SimpleQueue[Architecture] = SimpleQueue()  # one each: a run swaps weights
    for own in (model, *_twins(model, threads - 1)):
        idle.put(own)
    asked = _Asked(assignment.objective, absent=assignment.objective is None)

    def finish(stack: list[int]) -> list[Trained]:
        own = idle.get()
        try:
            return _finished(own, [trainees[i] for i in stack], assignment, asked, device)
        finally:
            idle.put(own)

    if threads == 1:
        with shared_by(workers):
            finished = [finish(stack) for stack in stacks]
    else:
        with ThreadPoolExecutor(threads) as pool:
            finished = list(pool.map(finish, stacks))
    done = [one for stack in finished for one in stack]
    places = {i: place for place, i in enumerate(longest_first)}
    return [done[places[i]] for i in range(len(trainees))]


@lru_cache(maxsize=64)
def _twins(model: Architecture, count: int) -> tuple[Architecture, ...]:
    """Return copies of a model."""
    return tuple(copy.deepcopy(model) for _ in range(count))


@lru_cache(maxsize=1)
def _keep_memory() -> None:
    """Free a large block once: glibc then keeps what a step frees, up to twice as much, for the
    next step. Handing pages back and forth took a sixth of the time of small convolutions."""
    torch.empty(31 << 20, dtype=torch.uint8)


def _finished(
    model: Architecture,
    cohort: Sequence[Trainee],
    assignment: Assignment,
    asked: _Asked,
    device: str,
) -> list[Trained]:
    """What some clients end with; a single one on the processor needs no stack."""
    if len(cohort) > 1 or device != "cpu":
        return _trained(model, cohort, assignment, asked, device)
    [one] = cohort
    alone = train(
        model,
        one.state,
        one.samples,
        assignment=assignment,
        rng=one.rng,
        carried=one.carried,
    )
    return [alone]


def _trained(
    model: Architecture,
    cohort: Sequence[Trainee],
    assignment: Assignment,
    asked: _Asked,
    device: str,
) -> list[Trained]:
    """What the clients of one stack end with; those with the most steps come first."""
    training = assignment.training
    stack = _Stack.of(model, cohort, assignment, device)
    totals = {task.name: torch.zeros(len(cohort), device=device) for task in assignment.tasks}
    finished: list[dict[str, Tensor]] = []
    asking, without = (replace(assignment, objective=term) for term in (asked, None))
    samples = [trainee.samples for trainee in cohort]
    for batch in batches(samples, [t.rng for t in cohort], training=training, device=device):
        finished += stack.release(len(batch.weights))
        if asked.absent:
            asking = without
        for name, loss in stack.descend(model, batch, asking).items():
            totals[name][: len(loss)].addcmul_(loss, batch.labels(name))
    finished += stack.release(0)
    each = training.passes(len(cohort[0].samples.inputs))
    return [
        Trained(
            state=model.unflatten(weights),
            losses=reported(
                {name: float(total[i]) for name, total in totals.items()},
                cohort[i].samples,
                training.epochs,
            ),
            operations=model.training_operations(each * len(cohort[i].samples)),
            steps=training.epochs * -(-len(cohort[i].samples) // training.batch_size),
        )
        for i, weights in enumerate(reversed(finished))
    ]


@dataclass(slots=True, eq=False)
class _Asked:
    """An algorithm's term of the loss, which is not asked again after it was none: asking for every
    client of a stack takes a quarter of a millisecond. One thread asks at a time: a term may borrow
    a model that all of them share."""

    objective: LocalObjective | None
    absent: bool = False
    lock: AbstractContextManager[bool] = field(default_factory=Lock)

    def __call__(self, step: Step) -> Tensor | None:
        with self.lock:
            term = None if self.objective is None else self.objective(step)
        self.absent = term is None
        return term


@dataclass(eq=False)
class _Stack:
    """The clients of a stack that still train; all tensors have them on the first axis.

    Attributes:
        downloads: what each client downloaded.
        moving, fixed: the present weights, those that training changes and the others.
        carried: what the algorithm laid beside the model.
        optimiser: moves `moving`.
        reference: the downloads, stacked when they are first asked for.
    """

    downloads: Sequence[Parameters]
    moving: dict[str, Tensor]
    fixed: dict[str, Tensor]
    carried: dict[str, Tensor]
    optimiser: Optimiser
    reference: dict[str, Tensor] | None = None

    @classmethod
    def of(
        cls, model: Architecture, cohort: Sequence[Trainee], assignment: Assignment, device: str
    ) -> _Stack:
        """Return the stack of `cohort` before its first step."""
        downloads = [model.flatten(trainee.state) for trainee in cohort]
        fixed = _stacked(downloads, device)
        moving = {name: fixed.pop(name).requires_grad_() for name in assignment.moving(model)}
        return cls(
            downloads=downloads,
            moving=moving,
            fixed=fixed,
            carried=_stacked([trainee.carried for trainee in cohort], device),
            optimiser=assignment.training.steps_on(list(moving.values())),
        )

    def release(self, staying: int) -> list[dict[str, Tensor]]:
        """Let the clients from place `staying` on go; return their weights, the last one first."""
        if staying == len(self.downloads):
            return []
        weights = {name: stack.detach() for name, stack in self.moving.items()}
        leaving = {name: stack[staying:].cpu().unbind() for name, stack in weights.items()}
        left = [
            {**download, **{name: _own(each[place]) for name, each in leaving.items()}}
            for place, download in enumerate(self.downloads[staying:])
        ]
        kept = {name: stack[:staying].requires_grad_() for name, stack in weights.items()}
        self.optimiser.keep(list(kept.values()))
        self.downloads, self.moving = self.downloads[:staying], kept
        self.fixed, self.carried = _first(self.fixed, staying), _first(self.carried, staying)
        self.reference = self.reference and _first(self.reference, staying)
        return left[::-1]

    def descend(
        self, model: Architecture, batch: StackBatch, assignment: Assignment
    ) -> dict[str, Tensor]:
        """Take one step; return task -> losses (clients,)."""
        if assignment.objective is not None and self.reference is None:
            self.reference = _stacked(self.downloads, batch.weights.device)
        loss = local_loss if model.stackable else _mapped_loss
        losses, totals = loss(
            model,
            self.fixed | self.moving,
            self.reference or {},
            batch.samples,
            assignment=assignment,
            carried=self.carried,
            weights=batch.weights,
        )
        follow(
            self.optimiser,
            totals.sum(),
            clip_norm=assignment.training.clip_norm,
            stacked=True,
        )
        return {name: loss.detach() for name, loss in losses.items()}


def _mapped_loss(
    model: Architecture,
    parameters: Parameters,
    reference: Parameters,
    batch: TensorSamples,
    *,
    assignment: Assignment,
    carried: Mapping[str, Tensor],
    weights: Tensor,
) -> tuple[dict[str, Tensor], Tensor]:
    """`local_loss` for a stack of models of which some layer takes the weights of one client."""

    def of_one(
        parameters: Parameters,
        reference: Parameters,
        carried: Mapping[str, Tensor],
        parts: tuple[Mapping[str, Tensor], ...],
        weights: Tensor,
    ) -> tuple[dict[str, Tensor], Tensor]:
        return local_loss(
            model,
            parameters,
            reference,
            TensorSamples(*parts),
            assignment=assignment,
            carried=carried,
            weights=weights,
        )

    parts = tuple(
        {name: x.reshape(len(weights), -1, *x.shape[1:]) for name, x in part.items()}
        for part in batch.parts
    )
    return vmap(of_one)(parameters, reference, carried, parts, weights)


def _own(weights: Tensor) -> Tensor:
    """Return the weights of one client in memory of their own, in the usual order."""
    return weights.clone(memory_format=torch.contiguous_format)


def _first(stacks: Mapping[str, Tensor], clients: int) -> dict[str, Tensor]:
    return {name: stack[:clients] for name, stack in stacks.items()}


def _stacked(flat: Sequence[Mapping[str, Tensor]], device: str | torch.device) -> dict[str, Tensor]:
    return {name: torch.stack([one[name] for one in flat]).to(device) for name in flat[0]}
