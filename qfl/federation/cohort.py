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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from qfl.federation.engine import (
    Assignment,
    LocalTraining,
    Trained,
    follow,
    local_loss,
    train,
)
from qfl.federation.losses import Parameters
from qfl.federation.population import TensorSamples
from qfl.federation.remedies import dimmed, draw_kept
from qfl.models.m3t import Architecture, State

STACK = 10
"""Clients per stack: enough to share each operation's overhead, few enough for the caches."""


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
) -> list[Trained]:
    """Return what each of `trainees` ends the round with, in their order; see `engine.train`.

    Args:
        model: the architecture that all of them hold.
        trainees: at least one.
        assignment: what all of them are asked to do.
        workers: threads that share the stacks; each should run torch on one thread, because
            threads that wait for each other inside every operation spin.
    """
    size = assignment.training.batch_size
    steps = [-(-len(trainee.samples) // size) for trainee in trainees]
    longest_first = sorted(range(len(trainees)), key=lambda i: -steps[i])
    stacks = [longest_first[at : at + STACK] for at in range(0, len(trainees), STACK)]

    def finish(stack: list[int]) -> list[Trained]:
        own = idle.get()
        try:
            return _finished(own, [trainees[i] for i in stack], assignment)
        finally:
            idle.put(own)

    threads = min(workers, len(stacks))
    idle: SimpleQueue[Architecture] = SimpleQueue()  # one each: functional_call swaps weights
    for own in (model, *(copy.deepcopy(model) for _ in range(threads - 1))):
        idle.put(own)
    if threads == 1:
        finished = [finish(stack) for stack in stacks]
    else:
        with ThreadPoolExecutor(threads) as pool:
            finished = list(pool.map(finish, stacks))
    done = [one for stack in finished for one in stack]
    places = {i: place for place, i in enumerate(longest_first)}
    return [done[places[i]] for i in range(len(trainees))]


def _finished(
    model: Architecture, cohort: Sequence[Trainee], assignment: Assignment
) -> list[Trained]:
    """What some clients end with; a single one needs no stack."""
    if len(cohort) > 1:
        return _trained(model, cohort, assignment)
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
    model: Architecture, cohort: Sequence[Trainee], assignment: Assignment
) -> list[Trained]:
    """What the clients of one stack end with; those with the most steps come first."""
    training = assignment.training
    stack = _Stack.of(model, cohort, assignment)
    totals = {task.name: torch.zeros(len(cohort)) for task in assignment.tasks}
    finished: list[dict[str, Tensor]] = []
    for batch in _batches(cohort, training):
        finished += stack.release(len(batch.weights))
        for name, loss in stack.descend(model, batch, assignment).items():
            totals[name][: len(loss)].addcmul_(loss, batch.rows_counted)
    finished += stack.release(0)
    seen = [training.epochs * len(trainee.samples) for trainee in cohort]
    each = training.passes(len(cohort[0].samples.inputs))
    return [
        Trained(
            state=model.unflatten(weights),
            losses={name: float(total[i]) / seen[i] for name, total in totals.items()},
            operations=model.training_operations(each * len(cohort[i].samples)),
            steps=training.epochs * -(-len(cohort[i].samples) // training.batch_size),
        )
        for i, weights in enumerate(reversed(finished))
    ]


@dataclass(frozen=True, eq=False)
class _Batch:
    """One step's samples of the clients that still train.

    Attributes:
        samples: inputs and targets, (clients x rows, ...), client after client.
        weights: (clients, rows) one over the client's batch size; 0 for a row that only pads.
        rows_counted: (clients,) batch sizes.
    """

    samples: TensorSamples
    weights: Tensor
    rows_counted: Tensor


@dataclass(eq=False)
class _Stack:
    """The clients of a stack that still train; all tensors have them on the first axis.

    Attributes:
        moving, fixed: the present weights, those that training changes and the others.
        reference: what they downloaded.
        carried: what the algorithm laid beside the model.
        optimiser: moves `moving`.
    """

    moving: dict[str, Tensor]
    fixed: dict[str, Tensor]
    reference: dict[str, Tensor]
    carried: dict[str, Tensor]
    optimiser: torch.optim.Optimizer

    @classmethod
    def of(cls, model: Architecture, cohort: Sequence[Trainee], assignment: Assignment) -> _Stack:
        """Return the stack of `cohort` before its first step."""
        reference = _stacked([model.flatten(trainee.state) for trainee in cohort])
        moving = {
            name: reference[name].clone().requires_grad_() for name in assignment.moving(model)
        }
        return cls(
            moving=moving,
            fixed={name: tensor for name, tensor in reference.items() if name not in moving},
            reference=reference,
            carried=_stacked([trainee.carried for trainee in cohort]),
            optimiser=assignment.training.steps_on(list(moving.values())),
        )

    def release(self, staying: int) -> list[dict[str, Tensor]]:
        """Let the clients from place `staying` on go; return their weights, the last one first."""
        weights = {name: (self.moving | self.fixed)[name].detach() for name in self.reference}
        clients = len(next(iter(weights.values())))
        left = [
            {name: _copied(tensor[place]) for name, tensor in weights.items()}
            for place in reversed(range(staying, clients))
        ]
        if left:
            kept = {name: weights[name][:staying].requires_grad_() for name in self.moving}
            _hand_over(self.optimiser, list(self.moving.values()), list(kept.values()))
            self.moving = kept
            self.fixed, self.reference, self.carried = (
                {name: tensor[:staying] for name, tensor in tensors.items()}
                for tensors in (self.fixed, self.reference, self.carried)
            )
        return left

    def descend(
        self, model: Architecture, batch: _Batch, assignment: Assignment
    ) -> dict[str, Tensor]:
        """Take one step; return task -> losses (clients,)."""
        weights = {**self.fixed, **self.moving}
        loss = local_loss if model.stackable else _mapped_loss
        losses, totals = loss(
            model,
            weights,
            self.reference,
            batch.samples,
            assignment=assignment,
            carried=self.carried,
            weights=batch.weights,
        )
        follow(
            self.optimiser,
            totals.sum(),
            list(self.moving.values()),
            clip_norm=assignment.training.clip_norm,
            stacked=True,
        )
        return {name: loss.detach() for name, loss in losses.items()}


def _hand_over(
    optimiser: torch.optim.Optimizer, old: Sequence[Tensor], new: Sequence[Tensor]
) -> None:
    """Have an optimiser go on with the first clients of the stacks that it moved."""
    for before, after in zip(old, new, strict=True):
        memory = optimiser.state.pop(before, {})
        optimiser.state[after] = {
            name: value[: len(after)] if value.dim() else value for name, value in memory.items()
        }
    optimiser.param_groups[0]["params"] = list(new)


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


def _copied(tensor: Tensor) -> Tensor:
    return tensor.clone(memory_format=torch.contiguous_format)


def _stacked(flat: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([one[name] for one in flat]) for name in flat[0]}


def _batches(cohort: Sequence[Trainee], training: LocalTraining) -> Iterator[_Batch]:
    """Yield the steps of all clients side by side, for as long as anybody trains."""
    starts = np.cumsum([0, *(len(trainee.samples) for trainee in cohort)])
    everything = TensorSamples.joined([trainee.samples for trainee in cohort])
    plans = [_plan(trainee, training) for trainee in cohort]
    for step in range(len(plans[0])):
        taken = [plan[step] for plan in plans if step < len(plan)]
        sizes = np.array([len(own) for own, _ in taken])
        index = np.zeros((len(taken), sizes.max()), dtype=np.int64)
        kept = np.ones((*index.shape, len(everything.inputs)), dtype=np.float32)
        for place, (own, shown) in enumerate(taken):
            index[place, : len(own)] = starts[place] + own
            kept[place, : len(own)] = 1.0 if shown is None else shown
        weights = (np.arange(index.shape[1]) < sizes[:, None]) / sizes[:, None]
        batch = everything.take(torch.from_numpy(index.ravel()))
        yield _Batch(
            batch if taken[0][1] is None else dimmed(batch, torch.from_numpy(kept).flatten(0, 1)),
            torch.from_numpy(weights.astype(np.float32)),
            torch.from_numpy(sizes.astype(np.float32)),
        )


def _plan(
    trainee: Trainee, training: LocalTraining
) -> list[tuple[NDArray[np.int64], NDArray[np.float32] | None]]:
    """Return the rows of each of a client's steps, and what is shown of them if not everything."""
    plan = []
    for _ in range(training.epochs):
        order = trainee.rng.permutation(len(trainee.samples))
        kept = draw_kept(trainee.samples, training.modality_dropout, trainee.rng)
        for start in range(0, len(order), training.batch_size):
            rows = order[start : start + training.batch_size]
            plan.append((rows, None if kept is None else kept[rows]))
    return plan
