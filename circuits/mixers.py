"""The mixers: which pairs an XY mixer couples, in which order, and the gates of one layer.

The order of the pairs is part of the definition of every Trotterised mixer, so the engines take it
from `edges` too. Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from collections.abc import Sequence

from circuits.controlled_phase import phase_on_ones
from circuits.dicke import Preparation
from circuits.spec import Gate, inverse
from circuits.swap_network import Pairs, brickwork


def edges(mixer: str, m: int) -> Pairs:
    """Return the ordered pairs of positions that an XY mixer couples in a block of m variables.

    Args:
        mixer: "xy_ring" and "xy_ring_exact": (0,1), (1,2), ..., (m-1,0); "xy_parity_ring": the
            pairs (i,i+1) with even i, then odd i, then (m-1,0); "xy_trotter" and "xy_complete":
            every pair, in the order of `swap_network.brickwork`, so that a line can run it.
        m: block size; a ring of two has one edge, a block of one has none.

    >>> edges("xy_parity_ring", 5)
    ((0, 1), (2, 3), (1, 2), (3, 4), (4, 0))
    """
    path = tuple((i, i + 1) for i in range(m - 1))
    closing = ((m - 1, 0),) if m > 2 else ()
    if mixer in ("xy_ring", "xy_ring_exact"):
        return path + closing
    if mixer == "xy_parity_ring":
        return path[0::2] + path[1::2] + closing
    if mixer in ("xy_trotter", "xy_complete"):
        return tuple(pair for pairs in brickwork(m) for pair in pairs)
    raise ValueError(f"mixer {mixer!r} does not couple pairs; allowed: xy_*")


def transverse_field(n: int, beta: str) -> tuple[Gate, ...]:
    """Return exp(-i beta sum_k X_k)."""
    return tuple(Gate("rx", (k,), factor=2.0, parameter=beta) for k in range(n))


def tilted_field(tilts: Sequence[float], beta: str) -> tuple[Gate, ...]:
    """Return exp(-i beta sum_k (sin t_k X_k + cos t_k Z_k)).

    Reference: Egger, Marecek and Woerner, arXiv:2009.10095, section 3.
    """
    return tuple(
        gate
        for k, tilt in enumerate(tilts)
        for gate in (
            Gate("ry", (k,), -tilt),
            Gate("rz", (k,), factor=2.0, parameter=beta),
            Gate("ry", (k,), tilt),
        )
    )


def xy_product(
    pairs: Pairs, variables: Sequence[int], beta: str, *, steps: int = 1
) -> tuple[Gate, ...]:
    """Return `steps` times the ordered product of exp(-i (beta/steps) (XX+YY)/2) over the pairs.

    Args:
        pairs: of positions in `variables`, as `edges` gives them, or in another order.
        variables: qubits of the block.
        beta: name of the parameter.
        steps: of the product formula.
    """
    step = tuple(
        Gate("xxplusyy", (variables[a], variables[b]), factor=2.0 / steps, parameter=beta)
        for a, b in pairs
    )
    return step * steps


def grover(preparation: Preparation, beta: str, *, scale: float = 1.0) -> tuple[Gate, ...]:
    """Return exp(-i scale beta |D><D|) on the states of D's weight, D as prepared.

    The spreading gates conserve the number of ones, so among these states only D goes back to the
    one where all excited qubits are 1: a phase there is a phase on D. Other weights are never
    populated and are treated differently.

    Reference: Baertschi and Eidenbenz, arXiv:2006.00354, section III.
    """
    return (
        *inverse(preparation.spread),
        *phase_on_ones(preparation.excited, factor=-scale, parameter=beta),
        *preparation.spread,
    )
