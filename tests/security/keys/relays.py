"""A network of relays with keys on every link."""

import numpy as np

from qfl.security.keys import KeyPool, Secret
from qfl.security.keys.relay import RelayNetwork

LINE = [("a", "r"), ("r", "s"), ("s", "b")]


MESH = [*LINE, ("a", "t"), ("t", "b"), ("r", "t"), ("x", "y")]


def network(edges, bits=1024):
    rng = np.random.default_rng(0)
    pools = {}
    for edge in edges:
        pools[edge] = KeyPool(edge, run="cell", capacity_bits=1 << 16)
        material = rng.bytes(bits // 8)
        pools[edge].produce({end: Secret(material) for end in edge})
    return RelayNetwork(pools), pools
