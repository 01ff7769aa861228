"""Clients trained together against one by one and against Flower's simulation.

One federation is `peers/workload.py`. Flower needs an environment of its own: QFL_FLOWER_PYTHON
names its interpreter, with flwr[simulation] and torch; both sides are then timed as processes.
"""

import math
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch
import workload

from qfl.core.tasks import Task
from qfl.federation.cohort import Trainee, train_together
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.exchange import to_update
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples

TASKS = (Task("ten", "classification", 10), Task("five", "classification", 5))
WORKERS = 2
"""A federation alone on its machine; torch itself runs on one thread."""
ASSIGNMENT = Assignment(
    tasks=TASKS,
    training=LocalTraining(
        epochs=1, batch_size=workload.BATCH, learning_rate=workload.RATE, clip_norm=math.inf
    ),
)


class Reference(workload.Network):
    """The network in the shape of an architecture: one module of all weights."""

    def forward(self, inputs, available=None, notes=None):
        return super().forward(inputs)

    def flatten(self, state):
        return state["all"]

    def unflatten(self, flat):
        return {"all": dict(flat)}

    def training_operations(self, samples):
        return 0.0

    module_ids = ("encoder:*:*",)

    def tensors_of(self, *module_ids):
        return tuple(name for name, _ in self.named_parameters())


class NoModel(torch.nn.Module):
    """One number that says the same for everybody."""

    flatten, unflatten = Reference.flatten, Reference.unflatten
    training_operations, tensors_of = Reference.training_operations, Reference.tensors_of
    module_ids = Reference.module_ids

    def __init__(self):
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, available=None, notes=None):
        rows = torch.zeros(len(inputs["numbers"]), 5)
        return {"ten": rows[:, :1] + self.number, "five": rows + self.number}


def clients():
    return [TensorSamples(*workload.client_data(index)) for index in range(workload.CLIENTS)]


def play(model, data, *, together, rounds=workload.ROUNDS):
    """Federated averaging, `rounds` rounds; return the final state."""
    state = {"all": {name: tensor.detach() for name, tensor in model.named_parameters()}}
    for number in range(rounds):
        chosen = np.random.default_rng(number).permutation(len(data))[: workload.PER_ROUND]
        rngs = {c: np.random.default_rng((number, c)) for c in chosen}
        if together:
            cohort = [Trainee(state, data[c], rngs[c]) for c in chosen]
            trained = train_together(model, cohort, assignment=ASSIGNMENT, workers=WORKERS)
        else:
            trained = [
                train(model, state, data[c], assignment=ASSIGNMENT, rng=rngs[c]) for c in chosen
            ]
        updates = [to_update(one.state, samples=1) for one in trained]
        state = FedAvg().aggregate(state, updates)
    return state


@pytest.mark.parametrize(("kind", "bar"), [("convolutions", 3), ("mlp", 4)])
def test_together_against_one_by_one(benchmark, report, kind, bar):
    model, data = Reference(kind == "convolutions"), clients()
    benchmark.pedantic(lambda: play(model, data, together=True, rounds=2), rounds=1)
    batch, loop = report.medians(
        lambda: play(model, data, together=True),
        lambda: play(model, data, together=False),
        rounds=3,
    )
    what = f"one by one / together, {kind}, 100 clients, 20 a round ({batch:.1f} s)"
    report.ratio(what, loop / batch, at_least=bar)


def test_overhead_of_the_engine(benchmark, report):
    model, data = NoModel(), clients()
    small = [
        TensorSamples(
            {name: x[: workload.BATCH] for name, x in one.inputs.items()},
            {
                "ten": torch.zeros(workload.BATCH, dtype=torch.long),
                "five": one.targets["five"][:32],
            },
        )
        for one in data
    ]
    run = lambda: play(model, small, together=True, rounds=10)  # noqa: E731
    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    (taken,) = report.medians(run, rounds=5)
    each = 1e3 * taken / 10 / workload.PER_ROUND
    report.ratio("milliseconds per client and round with a model of one number", each, at_most=0.1)


@pytest.mark.parametrize(("kind", "bar"), [("convolutions", 8), ("mlp", 12)])
def test_against_flower(benchmark, report, kind, bar):
    python = os.environ.get("QFL_FLOWER_PYTHON")
    if python is None:
        pytest.skip("set QFL_FLOWER_PYTHON to an interpreter with flwr[simulation] and torch")
    peers = Path(workload.__file__).parent
    flower = [python, str(peers / "flower_simulation.py"), kind]
    ours = [sys.executable, __file__, kind]
    many = benchmark.pedantic(lambda: process_seconds(flower, peers), rounds=1)
    few = process_seconds(ours, peers)
    what = f"Flower ({many:.0f} s) / ours ({few:.1f} s) as whole processes, {kind}"
    report.ratio(what, many / few, at_least=bar)


def process_seconds(command, path):
    environment = {**os.environ, "PYTHONPATH": str(path)}
    started = perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return perf_counter() - started


if __name__ == "__main__":
    torch.set_num_threads(1)
    play(Reference("mlp" not in sys.argv[1:]), clients(), together=True)
