"""The reference workload of federated simulators: two modalities, two tasks, 46,927 parameters.

100 clients with 320 samples each, 20 of them per round, ten steps of batch 32, 20 rounds. Needs
torch and numpy alone, so that a peer can run it in an environment of its own.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

CLIENTS, PER_ROUND, ROUNDS, STEPS, BATCH, RATE = 100, 20, 20, 10, 32, 0.05


class Network(nn.Module):
    """An 8 x 8 picture through two convolutions (or one hidden layer), 64 numbers through two
    layers, the sum of both through two heads."""

    def __init__(self, convolutions: bool = True):
        super().__init__()
        if convolutions:
            self.picture = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(16, 32, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(512, 64),
            )
        else:
            self.picture = nn.Sequential(
                nn.Flatten(), nn.Linear(64, 291), nn.ReLU(), nn.Linear(291, 64)
            )
        self.numbers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))
        self.heads = nn.ModuleDict({"ten": nn.Linear(64, 10), "five": nn.Linear(64, 5)})

    def forward(self, inputs):
        both = self.picture(inputs["picture"][:, None]) + self.numbers(inputs["numbers"])
        return {task: head(torch.relu(both)) for task, head in self.heads.items()}


def client_data(index):
    """Return a client's inputs and targets."""
    rng, n = np.random.default_rng(index), STEPS * BATCH
    inputs = {"picture": rng.normal(size=(n, 8, 8)), "numbers": rng.normal(size=(n, 64))}
    targets = {"ten": rng.integers(0, 10, n), "five": rng.integers(0, 5, n)}
    return (
        {name: torch.from_numpy(x.astype(np.float32)) for name, x in inputs.items()},
        {name: torch.from_numpy(y) for name, y in targets.items()},
    )


def fit(network, inputs, targets, order):
    """Train a client's copy of the network on its samples in this order, as a torch user would."""
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    for rows in torch.split(order, BATCH):
        optimiser.zero_grad()
        outputs = network({name: x[rows] for name, x in inputs.items()})
        sum(cross_entropy(outputs[task], y[rows]) for task, y in targets.items()).backward()
        optimiser.step()


def chosen(round_index, registered=CLIENTS, count=PER_ROUND):
    """Return the clients of a round, and the generator of the order of each one's samples."""
    clients = np.random.default_rng(round_index).permutation(registered)[:count]
    return {int(c): np.random.default_rng((round_index, int(c))) for c in clients}


def federate(network, data, rounds=ROUNDS):
    """Federated averaging with one client after another: the plain loop."""
    for round_index in range(rounds):
        start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        mean = {name: torch.zeros_like(tensor) for name, tensor in start.items()}
        for client, rng in chosen(round_index).items():
            network.load_state_dict(start)
            fit(network, *data[client], torch.from_numpy(rng.permutation(STEPS * BATCH)))
            for name, tensor in network.state_dict().items():
                mean[name] += tensor / PER_ROUND
        network.load_state_dict(mean)
