"""The mixers: which pairs an XY mixer couples, in which order, and the gates of one layer.

The order of the pairs is part of the definition of every Trotterised mixer, so the engines take it
from `edges` too. Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from circuits.spec import Gate
from circuits.swap_network import Pairs, brickwork


def edges(mixer: str, m: int) -> Pairs:
    """Return the ordered pairs of positions that an XY mixer couples in a block of m variables.

    Args:
        mixer: "xy_ring": (0,1), (1,2), ..., (m-1,0); "xy_parity_ring": the pairs (i,i+1) with even
            i, then odd i, then (m-1,0); "xy_trotter" and "xy_complete": every pair, in the order
            of `swap_network.brickwork`, so that a line can run it.
        m: block size; a ring of two has one edge, a block of one has none.

    >>> edges("xy_parity_ring", 5)
    ((0, 1), (2, 3), (1, 2), (3, 4), (4, 0))
    """
    path = tuple((i, i + 1) for i in range(m - 1))
    closing = ((m - 1, 0),) if m > 2 else ()
    if mixer == "xy_ring":
        return path + closing
    if mixer == "xy_parity_ring":
        return path[0::2] + path[1::2] + closing
    if mixer in ("xy_trotter", "xy_complete"):
        return tuple(pair for pairs in brickwork(m) for pair in pairs)
    raise ValueError(f"mixer {mixer!r} does not couple pairs; allowed: xy_*")
