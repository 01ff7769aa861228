"""Clients trained together against one by one and against Flower's simulation.

One federation is `peers/workload.py`: there as a plain torch module and a plain loop, here as a
recipe of our layers with the same weights. Flower needs an environment of its own:
QFL_FLOWER_PYTHON names its interpreter, with flwr[simulation] and torch; both sides are then timed
as processes.
"""

import math
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
import torch
import workload
from torch import nn

from qfl.core.tasks import Modality, Task
from qfl.federation.cohort import Trainee, train_together
from qfl.federation.engine import Assignment, LocalTraining
from qfl.federation.exchange import to_update
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples
from qfl.models.keys import encoder_key, head_key
from qfl.models.layers import Conv2d, Linear, one_after_another, side_by_side
from qfl.models.m3t import architecture
from qfl.models.stacks import Stackable

MODALITIES = (Modality("picture", (8, 8)), Modality("numbers", (64,)))
TASKS = (Task("ten", "classification", 10), Task("five", "classification", 5))
WORKERS = 2
"""A federation alone on its machine; torch itself runs on one thread."""
ASSIGNMENT = Assignment(
    tasks=TASKS,
    training=LocalTraining(
        epochs=1, batch_size=workload.BATCH, learning_rate=workload.RATE, clip_norm=math.inf
    ),
)


class Convolutions(nn.Module):
    """Two convolutions and a layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Conv2d(1, 16, stride=1), Conv2d(16, 32)
        self.out = Linear(512, 64)

    def forward(self, x, clients):
        x = side_by_side(x[..., None], clients)
        x = torch.relu_(self.second(torch.relu_(self.first(x))))
        return self.out(one_after_another(x, clients).flatten(1))


class TwoLayers(nn.Module):
    """One hidden layer."""

    def __init__(self, into, hidden):
        super().__init__()
        self.hidden, self.out = Linear(into, hidden), Linear(hidden, 64)

    def forward(self, x, clients):
        return self.out(torch.relu_(self.hidden(x.flatten(1))))


@dataclass(frozen=True)
class Network:
    """The recipe of `workload.Network`."""

    convolutions: bool = True

    def build(self, modalities, tasks):
        picture = Convolutions() if self.convolutions else TwoLayers(64, 291)
        encoders = {"picture": picture, "numbers": TwoLayers(64, 64)}
        heads = {str(head_key(task.name)): Linear(64, task.outputs) for task in tasks}
        return {str(encoder_key(name)): module for name, module in encoders.items()} | heads

    def forward(self, modules, batch, tasks, notes):
        both = sum(
            modules[str(encoder_key(name))](x, notes.clients or 1)
            for name, x in batch.inputs.items()
        )
        return {task.name: modules[str(head_key(task.name))](torch.relu(both)) for task in tasks}

    def multiplications(self, modules):
        return sum(tensor.numel() for m in modules.values() for tensor in m.parameters())


@dataclass(frozen=True)
class OneNumber:
    """A model of one number that says the same for everybody."""

    def build(self, modalities, tasks):
        return {"norm:*:*": Number()}

    def forward(self, modules, batch, tasks, notes):
        rows = torch.zeros(len(batch.inputs["numbers"]), 5)
        answer = modules["norm:*:*"](rows[:, :1], notes)
        return {"ten": answer, "five": answer + rows}

    def multiplications(self, modules):
        return 1.0


class Number(Stackable):
    def __init__(self):
        super().__init__()
        self.number = nn.Parameter(torch.empty(1))

    def forward(self, x, notes):
        return (notes.by_client(x) + self.number.view(-1, 1, 1)).view(x.shape)


def pair(convolutions):
    """The network as a plain module, and its recipe with a state of the same weights."""
    torch.manual_seed(0)
    plain = workload.Network(convolutions)
    model = architecture(MODALITIES, TASKS, Network(convolutions))
    return plain, model, model.unflatten(same_weights(model, plain))


def same_weights(model, plain):
    """The weights of the plain module by the names of the recipe; pixels come before channels."""
    found = {}
    for (name, shape), tensor in zip(model.shapes.items(), plain.parameters(), strict=True):
        if shape == (64, 512):
            tensor = tensor.reshape(64, 32, 16).transpose(1, 2)
        found[name] = tensor.detach().reshape(shape)
    return found


def clients():
    return [TensorSamples(*workload.client_data(index)) for index in range(workload.CLIENTS)]


def play(model, state, data, rounds=workload.ROUNDS, workers=WORKERS):
    """Federated averaging, `rounds` rounds, clients together; return the final state."""
    for number in range(rounds):
        cohort = [Trainee(state, data[c], rng) for c, rng in workload.chosen(number).items()]
        state = play_round(model, state, cohort, workers)
    return state


def play_round(model, state, cohort, workers):
    """Return the mean of what the clients end with."""
    trained = train_together(model, cohort, assignment=ASSIGNMENT, workers=workers)
    updates = [to_update(one.state, samples=1) for one in trained]
    return FedAvg().aggregate(state, updates)


def play_registered(registered, rounds=12):
    """50 clients a round out of `registered`, whose data come when they are called; return the
    median seconds of a round and the peak memory of the process in MB."""
    _, model, state = pair(False)
    taken = []
    for number in range(rounds):
        started = perf_counter()
        cohort = [
            Trainee(state, TensorSamples(*workload.client_data(c)), rng)
            for c, rng in workload.chosen(number, registered, 50).items()
        ]
        state = play_round(model, state, cohort, workers=1)
        taken.append(perf_counter() - started)
    return median(taken[2:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize(("kind", "bar"), [("convolutions", 3), ("mlp", 4)])
def test_together_against_one_by_one(benchmark, report, kind, bar):
    """Both end with the same global model, up to rounding."""
    plain, model, start = pair(kind == "convolutions")
    data = clients()
    raw = [(one.inputs, one.targets) for one in data]
    state = benchmark.pedantic(lambda: play(model, start, data, rounds=2), rounds=1)
    workload.federate(plain, raw, rounds=2)
    ours, theirs = model.flatten(state), same_weights(model, plain)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=1e-5)
    batch, loop = report.medians(
        lambda: play(model, start, data), lambda: workload.federate(plain, raw), rounds=3
    )
    what = f"one by one / together, {kind}, 100 clients, 20 a round ({batch:.2f} s)"
    report.ratio(what, loop / batch, at_least=bar)


def test_overhead_of_the_engine(benchmark, report):
    model, data = architecture(MODALITIES, TASKS, OneNumber()), clients()
    start = {"norm:*:*": {"number": torch.zeros(1)}}
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
    run = lambda: play(model, start, small, rounds=10, workers=1)  # noqa: E731
    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    (taken,) = report.medians(run, rounds=5)
    each = 1e3 * taken / 10 / workload.PER_ROUND
    report.ratio("milliseconds per client and round with a model of one number", each, at_most=0.1)


def test_registered_clients_cost_nothing_until_they_are_called(benchmark, report):
    """10,000 registered against 100, in processes of their own that take turns.

    This is the engine: a federation's loop also weighs and evaluates every client it knows.
    """
    found = {100: [], 10_000: []}
    for _ in range(3):
        for registered, seen in found.items():
            command = [sys.executable, __file__, "registered", str(registered)]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            printed = subprocess.run(
                command, env=environment, capture_output=True, check=True, text=True
            ).stdout
            seen.append([float(word) for word in printed.split()])
    benchmark.pedantic(lambda: workload.chosen(0, 10_000, 50), rounds=5)
    for column, what in enumerate(("seconds of a round", "peak memory")):
        few, many = (median(run[column] for run in found[n]) for n in (100, 10_000))
        report.ratio(f"{what}, 10,000 registered / 100, 50 a round", many / few, at_most=1.1)


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
    paths = [str(path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    started = perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return perf_counter() - started


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "registered" in sys.argv:
        sys.stdout.write("{} {}".format(*play_registered(int(sys.argv[-1]))))
        sys.exit()
    _, model, start = pair("mlp" not in sys.argv[1:])
    play(model, start, clients())
