"""Small federations on made-up data, founded as a study founds them, but over a plain channel."""

import numpy as np

from qfl.core.rng import Streams
from qfl.data.synthetic import Synthetic
from qfl.federation.engine import LocalTraining
from qfl.federation.fedavg import FedAvg
from qfl.federation.plan import Policies, Schedule
from qfl.federation.round import Federation
from qfl.problems import client_selection
from qfl.scenarios.populate import HeldOut, populate, shares
from qfl.security.channel import Plain
from qfl.solvers.exact import spectrum
from qfl.solvers.random_feasible import Random

MODALITIES = ("vector_0", "imu_1", "series_2")
TASKS = ("task_0", "task_1", "task_2", "task_3")


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


def found(members, *, streams=None, rounds=3, choose=None, algorithm=None, run="test", **options):
    """A federation; `options` are those of LocalTraining, Schedule, Policies or Federation."""
    training = {k: options.pop(k) for k in ("epochs", "learning_rate") if k in options}
    schedule = {k: options.pop(k) for k in ("exchange", "model") if k in options}
    policies = {k: options.pop(k) for k in ("solver", "weights") if k in options}
    config = options.pop("channel", Plain())
    names = [client.name for client in members.clients]
    links = config.links(names, rng=np.random.default_rng(0))
    channel = config.connect(links, run=run)
    return Federation(
        members,
        schedule=Schedule(
            rounds=rounds, clients_per_round=choose or len(names), model_width=8, **schedule
        ),
        policies=Policies(
            propose=client_selection,
            measure=spectrum,
            channel=channel,
            gatherer=config.gatherer(channel, links, run=run),
            algorithm=algorithm or FedAvg(),
            training=LocalTraining(batch_size=32, **training),
            **{"solver": Random(), **policies},
        ),
        streams=streams or Streams(7),
        run=run,
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


def same(left, right):
    """Whether two states are equal bit for bit."""
    return left.keys() == right.keys() and all(
        tensors.keys() == right[module].keys()
        and all((tensor == right[module][name]).all() for name, tensor in tensors.items())
        for module, tensors in left.items()
    )
