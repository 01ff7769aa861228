"""The reference workload as our engine plays it: a recipe of our layers, and rounds of averaging.

Run as a process of its own, which is what is set beside a peer's process:
    python tests/benchmarks/peers/together.py [mlp]
"""

import math
import sys
from dataclasses import dataclass

import torch
import workload
from torch import nn

from qfl.core.tasks import Modality, Task
from qfl.federation.engine import Assignment, LocalTraining
from qfl.federation.exchange import to_update
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples
from qfl.federation.training.cohort import Trainee, train_together
from qfl.models.keys import encoder_key, head_key
from qfl.models.layers import Conv2d, Linear, one_after_another, one_into_another, side_by_side
from qfl.models.m3t import architecture

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
        return one_into_another(x.flatten(1), self.hidden, self.out)


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
        picture, numbers = (
            modules[str(encoder_key(name))](batch.inputs[name], notes.clients or 1)
            for name in ("picture", "numbers")
        )
        both = torch.relu(picture + numbers)
        return {task.name: modules[str(head_key(task.name))](both) for task in tasks}

    def multiplications(self, modules):
        once = sum(tensor.numel() for m in modules.values() for tensor in m.parameters())
        return once + (63 * 9 * 16 + 15 * 9 * 16 * 32) * self.convolutions


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


if __name__ == "__main__":
    torch.set_num_threads(1)
    _, model, start = pair("mlp" not in sys.argv[1:])
    play(model, start, clients())
