"""Small federations for tests: any algorithm, any population, a channel that may be watched."""

from dataclasses import replace

import numpy as np
import torch

from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.data.synthetic import Synthetic
from qfl.federation.engine import LocalTraining
from qfl.federation.fedavg import FedAvg
from qfl.federation.plan import Policies, Schedule
from qfl.federation.population import Client, Population
from qfl.federation.round import Federation
from qfl.network.links import Interference, draw_access_link, draw_device
from qfl.problems import client_selection
from qfl.scenarios.digits import Digits
from qfl.scenarios.populate import HeldOut, populate, shares
from qfl.security.channel import Plain
from qfl.solvers.exact import spectrum
from qfl.solvers.random_feasible import Random

MODALITIES = ("vector_0", "imu_1", "series_2")
TASKS = ("task_0", "task_1", "task_2", "task_3")
DIGITS = Digits(clients=9).build(Streams(11))
"""Clients with one or two modalities, one or two tasks, a classification and a regression."""


def population(clients=6, *, held=None, samples=600, test_fraction=0.25, noise=0.1):
    """Clients of equal size that hold everything, or what `held` says: {place: (m, tasks)}."""
    data = Synthetic(samples=samples, noise=noise).load()
    rows = np.random.default_rng(3).permutation(samples)
    parts = [np.sort(part) for part in np.array_split(rows[samples // 6 :], clients)]
    everything = [(held or {}).get(place, (MODALITIES, TASKS)) for place in range(clients)]
    own = shares(parts, everything, test_fraction=test_fraction, rng=np.random.default_rng(4))
    return populate(
        data,
        own,
        held_out=HeldOut(np.sort(rows[: samples // 6])),
        label="task_1",
        interference_radius=0.4,
        streams=Streams(5),
    )


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
    free = population.interference.of(range(clients))
    test = population.test.take(np.arange(2 * rows))
    return replace(
        population, clients=kept, test=test, interference=free, numbers=population.numbers[:clients]
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
    no_one = Interference.none(len(sizes))
    return Population(tuple(clients), test, modalities, tasks, no_one, {}, test)


def planted(clients=6, seed=0, size=60):
    """Two groups of clients whose best heads are the negatives of each other, in turns."""
    rng = np.random.default_rng(seed)
    modalities, tasks = (Modality("x", (8,)),), (Task("y", "regression", 1),)
    slope = rng.normal(size=8)

    def drawn(n, sign):
        x = rng.normal(size=(n, 8)).astype(np.float32)
        y = (sign * (x @ slope) + 0.1 * rng.normal(size=n)).astype(np.float32)
        return Samples(np.arange(n), {"x": x}, {"y": y})

    found = []
    for i in range(clients):
        parts = drawn(size + i, 1 - 2 * (i % 2)), drawn(60, 1 - 2 * (i % 2))
        one = client(f"client-{i:02d}", *parts, modalities, tasks, rng)
        half = "early" if i < clients // 2 else "late"
        own = {"group": "ab"[i % 2], "half": half, "all": "we", "self": f"number {i}"}
        found.append(replace(one, attributes=own))
    no_one = Interference.none(clients)
    return Population(tuple(found), drawn(50, 1), modalities, tasks, no_one, {}, drawn(50, 1))


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
    **options,
):
    """A federation of FedAvg, two rounds, everybody in each, unless told otherwise; `options` are
    those of Schedule, Policies or Federation, and the `channel` to be wrapped."""
    names = [client.name for client in population.clients]
    run = options.pop("run", "test")
    config = options.pop("channel", Plain())
    links = config.links(names, rng=np.random.default_rng(0))
    channel = wrap(config.connect(links, run=run))
    own = {
        k: options.pop(k)
        for k in ("streams", "standing", "memory", "workers", "panel")
        if k in options
    }
    policies = {k: options.pop(k) for k in ("solver", "weights", "division") if k in options}
    plan = {"rounds": 2, "clients_per_round": len(names), "model_width": 8}
    return Federation(
        population,
        schedule=Schedule(**(plan | options)),
        policies=Policies(
            propose=client_selection,
            measure=spectrum,
            channel=channel,
            gatherer=config.gatherer(channel, links, run=run),
            algorithm=algorithm or FedAvg(),
            training=training or LocalTraining(),
            **{"solver": Random(), **policies},
        ),
        run=run,
        **{"streams": Streams(seed), **own},
    )


def found(members, *, streams=None, rounds=3, choose=None, algorithm=None, **options):
    """A federation of these members; `options` are those of LocalTraining or of `federation`."""
    training = {k: options.pop(k) for k in ("epochs", "learning_rate") if k in options}
    return federation(
        algorithm,
        population=members,
        training=LocalTraining(batch_size=32, **training),
        wrap=lambda channel: channel,
        streams=streams or Streams(7),
        rounds=rounds,
        clients_per_round=choose or len(members.clients),
        **options,
    )


def founder(*, choose=None, epochs=2, rounds=9, **options):
    """What unlearning is handed to found federations with."""

    def found_(members, founding):
        most = len(members.clients)
        return found(
            members,
            choose=min(most, (choose or most * founding.shards) // founding.shards),
            epochs=max(1, round(founding.effort * epochs)),
            run="test" + founding.run,
            streams=founding.streams,
            standing=founding.standing,
            memory=founding.memory,
            panel=founding.panel,
            rounds=rounds,
            algorithm=founding.algorithm,
            **options,
        )

    return found_


def numbers(record):
    """A record without the seconds of the machine that made it."""
    row = record.to_dict()
    del row["timings"]
    return row


def copied(state):
    return {m: {n: t.clone() for n, t in ts.items()} for m, ts in state.items()}


def same(left, right):
    """Whether two states hold the same modules, tensors and bits."""
    return left.keys() == right.keys() and all(same_module(left[m], right[m]) for m in left)


def same_module(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)
