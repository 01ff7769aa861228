"""Clients trained together against one by one and against Flower's simulation.

One federation is `peers/workload.py`: there as a plain torch module and a plain loop; in
`peers/together.py` as a recipe of our layers with the same weights. Flower needs an environment of
its own: QFL_FLOWER_PYTHON names its interpreter, with flwr[simulation] and torch; both sides are
then timed as processes.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
import registered
import together
import torch
import workload
from together import MODALITIES, TASKS, clients, pair, play, same_weights
from torch import nn

from qfl.core.rng import Streams
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture
from qfl.models.stacks import Stackable
from qfl.scenarios.crowd import Crowd

PEERS = Path(workload.__file__).parent


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
    """10,000 registered against 100, whole federations in processes that take turns."""
    found = {100: [], 10_000: []}
    for _ in range(3):
        for size, seen in found.items():
            command = [sys.executable, registered.__file__, str(size)]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            printed = subprocess.run(
                command, env=environment, capture_output=True, check=True, text=True
            ).stdout
            seen.append([float(word) for word in printed.split()])
    scenario = Crowd(clients=10_000)
    benchmark.pedantic(lambda: scenario.build(Streams(0)), rounds=3)
    for column, what in enumerate(("seconds of a round", "peak memory")):
        few, many = (median(run[column] for run in found[n]) for n in (100, 10_000))
        report.ratio(f"{what}, 10,000 registered / 100, 50 a round", many / few, at_most=1.1)


@pytest.mark.parametrize(("kind", "bar"), [("convolutions", 8), ("mlp", 12)])
def test_against_flower(benchmark, report, kind, bar):
    python = os.environ.get("QFL_FLOWER_PYTHON")
    if python is None:
        pytest.skip("set QFL_FLOWER_PYTHON to an interpreter with flwr[simulation] and torch")
    flower = [python, str(PEERS / "flower_simulation.py"), kind]
    ours = [sys.executable, together.__file__, kind]
    benchmark.pedantic(lambda: process_seconds(ours), rounds=1)
    few, many = report.medians(
        lambda: process_seconds(ours), lambda: process_seconds(flower), rounds=3
    )
    what = f"Flower ({many:.0f} s) / ours ({few:.1f} s) as whole processes, {kind}"
    report.ratio(what, many / few, at_least=bar)


def process_seconds(command):
    paths = [str(PEERS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    started = perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return perf_counter() - started
