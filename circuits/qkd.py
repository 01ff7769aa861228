"""One round of quantum key distribution as a circuit: a qubit prepared and read, or a pair shared.

Bases are numbers, the same as in `qfl.security.qkd.states`; polarisation at an angle a is a turn
by 2a on the Bloch sphere. Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import pi

from circuits.spec import CircuitSpec, Gate, inverse

RECTILINEAR, DIAGONAL, CIRCULAR, TILTED, STEEP = range(5)
DEGREES: Mapping[int, float] = {RECTILINEAR: 0.0, DIAGONAL: 45.0, TILTED: 22.5, STEEP: 67.5}
"""Polarisation that stands for bit 0, by basis; the circular one has no angle."""


def bb84_round(bit: int, *, prepared: int, read: int) -> CircuitSpec:
    """Return the circuit of one BB84 or six-state round.

    Args:
        bit: 0 or 1, encoded in the basis `prepared`.
        prepared, read: bases of the two ends.

    >>> print(bb84_round(1, prepared=1, read=0))
    qubits 1
    x 0
    ry(1.5707963267948966) 0
    measure 0
    """
    if bit not in (0, 1):
        raise ValueError(f"a bit is 0 or 1, got {bit!r}")
    flip = (Gate("x", (0,)),) if bit else ()
    gates = (*flip, *_into(prepared, 0), *inverse(_into(read, 0)))
    return CircuitSpec(1, gates, measured=(0,))


def pair_round(alice: int, bob: int) -> CircuitSpec:
    """Return the circuit of one E91 or BBM92 round: (|00> + |11>) / sqrt 2, read by both ends.

    Args:
        alice, bob: bases of the two ends, linear ones: equal bases then give equal bits.

    >>> pair_round(3, 1).resources()
    Resources(qubits=2, depth=1, two_qubit_gates=1)
    """
    if CIRCULAR in (alice, bob):
        raise ValueError(
            "a pair is read in linear bases; the circular one would give opposite bits"
        )
    shared = (Gate("h", (0,)), Gate("cx", (0, 1)))
    readings = (*inverse(_into(alice, 0)), *inverse(_into(bob, 1)))
    return CircuitSpec(2, (*shared, *readings), measured=(0, 1))


def _into(basis: int, qubit: int) -> tuple[Gate, ...]:
    """Return the gates from the rectilinear basis into another."""
    if basis == CIRCULAR:
        return (Gate("rx", (qubit,), -pi / 2),)
    if basis not in DEGREES:
        raise ValueError(f"unknown basis {basis!r}; allowed: 0 to 4")
    degrees = DEGREES[basis]
    return (Gate("ry", (qubit,), 2 * degrees * pi / 180),) if degrees else ()
