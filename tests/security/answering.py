"""Answers of seven clients, gathered as masked sums."""

import numpy as np

from qfl.core.gather import Answer
from qfl.core.update import Update
from qfl.security.channel import Plain

CLIENTS = tuple(f"client-{i:02d}" for i in range(7))


SHAPES = {"encoder:image": (4, 3), "encoder:profile": (5,), "head:digit": (6,)}


def answers(rng, *, holding=lambda i: SHAPES):
    """Clients that hold some modules each, with changes of about 0.1."""
    start = {m: {"weight": rng.normal(size=s).astype(np.float32)} for m, s in SHAPES.items()}
    found = []
    for index, client in enumerate(CLIENTS):
        held = list(holding(index))
        received = Update({m: start[m] for m in held}, dict.fromkeys(held, 1))
        trained = {
            m: {"weight": (start[m]["weight"] + rng.normal(0, 0.1, SHAPES[m])).astype(np.float32)}
            for m in held
        }
        found.append(Answer(client, received, Update(trained, dict.fromkeys(held, 20 + index))))
    return found


def gathered(options, given, *, seed=0, encoding=None):
    rng = np.random.default_rng(seed)
    channel = Plain().connect({}, run="test")
    links = options.links(CLIENTS, rng=rng)
    gatherer = options.gatherer(channel, links, run="test", encoding=encoding)
    return gatherer.gather(given, round=1, rng=rng)
