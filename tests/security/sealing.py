"""A sealed channel between two clients and the server, and headers of either direction."""

from dataclasses import replace

import numpy as np

from qfl.core.envelope import Direction, Header
from qfl.core.update import Update
from qfl.security.channel import Sealed

CLIENTS = ["client-00", "client-01"]


UPDATE = Update({"head:digit": {"bias": np.arange(4, dtype=np.float32)}}, {"head:digit": 40})


def connected(config=None, *, sessions: int = 1):
    config = config or Sealed()
    rng = np.random.default_rng(3)
    channel = config.connect(config.links(CLIENTS, rng=rng), run="cell")
    for index in range(sessions):
        for client in CLIENTS:
            assert channel.exchange(client, round=index, rng=rng).aborted == ""
    return channel


def down(**changes) -> Header:
    header = Header("cell", 1, "server", "client-00", Direction.DOWN, UPDATE.schema)
    return replace(header, **changes)


def up(**changes) -> Header:
    header = Header("cell", 1, "client-00", "server", Direction.UP, UPDATE.schema)
    return replace(header, **changes)
