"""Small federations for tests: any algorithm, any population, a channel that watches."""

from dataclasses import replace

import numpy as np
import torch

from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.engine import LocalTraining
from qfl.federation.fedavg import FedAvg
from qfl.federation.plan import Policies, Schedule
from qfl.federation.population import Client, Population
from qfl.federation.round import Federation
from qfl.network.links import draw_access_link, draw_device
from qfl.problems import client_selection
from qfl.scenarios.digits import Digits
from qfl.security.channel import Plain
from qfl.solvers.exact import spectrum
from qfl.solvers.random_feasible import Random

DIGITS = Digits(clients=9).build(Streams(11))
"""Clients with one or two modalities, one or two tasks, a classification and a regression."""


def cut(population, clients, rows):
    """The first clients of a population, with at most so many samples per split."""
    kept = tuple(
        replace(
            each,
            train=each.train.take(np.arange(min(rows, len(each.train)))),
            test=each.test.take(np.arange(min(rows, len(each.test)))),
        )
        for each in population.clients[:clients]
    )
    free = population.interference[:clients, :clients]
    test = population.test.take(np.arange(2 * rows))
    return replace(
        population, clients=kept, test=test, interference=free, numbers=population.numbers[:clients]
    )


class Watched:
    """A channel that notes every update that passes; it wraps a real one."""

    def __init__(self, inner):
        self.inner, self.level, self.passed = inner, inner.level, []

    def exchange(self, client, **options):
        return self.inner.exchange(client, **options)

    def seal(self, update, header):
        self.passed.append((header, update))
        return self.inner.seal(update, header)

    def open(self, envelope):
        return self.inner.open(envelope)


def federation(
    algorithm=None,
    *,
    population=DIGITS,
    training=None,
    wrap=Watched,
    seed=11,
    **schedule,
):
    """A federation of FedAvg, two rounds, everybody in each, unless told otherwise."""
    names = [client.name for client in population.clients]
    config = Plain()
    links = config.links(names, rng=np.random.default_rng(0))
    channel = wrap(config.connect(links, run="test"))
    plan = {"rounds": 2, "clients_per_round": len(names), "model_width": 8}
    return Federation(
        population,
        schedule=Schedule(**(plan | schedule)),
        policies=Policies(
            propose=client_selection,
            solver=Random(),
            measure=spectrum,
            channel=channel,
            gatherer=config.gatherer(channel, links, run="test"),
            algorithm=algorithm or FedAvg(),
            training=training or LocalTraining(),
        ),
        streams=Streams(seed),
        run="test",
    )


def client(name, train, test, modalities, tasks, rng):
    return Client(name, modalities, tasks, train, test, draw_device(rng), draw_access_link(rng))


def quadratic(sizes=(60, 20, 40), seed=0):
    """Clients whose losses are quadratics with minima and curvatures of their own, if the head of
    the pooled model alone is trained: a regression on features of unequal spread."""
    rng = np.random.default_rng(seed)
    modalities, tasks = (Modality("x", (8,)),), (Task("y", "regression", 1),)

    def drawn(n, spread, slope):
        x = (spread * rng.normal(size=(n, 8))).astype(np.float32)
        y = (x @ slope + 0.1 * rng.normal(size=n)).astype(np.float32)
        return Samples(np.arange(n), {"x": x}, {"y": y})

    clients = []
    for i, size in enumerate(sizes):
        spread, slope = rng.uniform(0.3, 2.0, 8), rng.normal(size=8)
        parts = drawn(size, spread, slope), drawn(20, spread, slope)
        clients.append(client(f"client-{i:02d}", *parts, modalities, tasks, rng))
    test = drawn(50, np.ones(8), rng.normal(size=8))
    no_one = np.zeros((len(sizes), len(sizes)))
    return Population(tuple(clients), test, modalities, tasks, no_one, {}, test)


def copied(state):
    return {m: {n: t.clone() for n, t in ts.items()} for m, ts in state.items()}


def same(left, right):
    """Whether two states hold the same modules, tensors and bits."""
    return left.keys() == right.keys() and all(same_module(left[m], right[m]) for m in left)


def same_module(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)
