"""Rounds of BB84 and E91 as circuits on a machine, whose gates and readings give the QBER.

The machine comes from outside, as a backend that runs circuits. Rounds with the same choices are
one circuit with as many shots: a handful of circuits whatever the number of rounds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from circuits.qkd import bb84_round, pair_round
from circuits.spec import CircuitSpec
from qfl.core.errors import BackendError, ConfigError
from qfl.core.ports import CircuitRunner
from qfl.security.qkd.ekert import Pairs, draw_bases
from qfl.security.qkd.states import random_states


def run_bb84_rounds(
    machine: CircuitRunner, *, rounds: int, rng: np.random.Generator, bases: int = 2
) -> Pairs:
    """Return what both ends hold after some rounds on a machine.

    Args:
        machine: a backend that runs circuits, such as `get_backend("aer:fake_boston")`.
        rounds: qubits sent.
        rng: draws bits, bases and shots.
        bases: 2 for BB84, 3 for the six-state protocol.

    >>> from qfl.backends import get_backend
    >>> found = run_bb84_rounds(get_backend("statevector"), rounds=500,
    ...                         rng=np.random.default_rng(0))
    >>> found.qber, bool(200 < found.sifted.sum() < 300)
    (0.0, True)
    """
    if bases not in (2, 3):
        raise ConfigError(f"bases is {bases!r}; allowed: 2 (BB84) or 3 (six-state)")
    sent = random_states(rounds, bases=bases, rng=rng)
    read = rng.integers(0, bases, rounds, dtype=np.uint8)
    choices = np.stack([sent.bits, sent.bases, read], axis=1)
    outcomes = _run(
        machine, choices, lambda bit, own, other: bb84_round(bit, prepared=own, read=other), rng
    )
    return Pairs(sent.bits, outcomes[:, 0], sent.bases, read)


def run_e91_rounds(machine: CircuitRunner, *, rounds: int, rng: np.random.Generator) -> Pairs:
    """Return the outcomes of pairs that a machine entangles and reads at the angles of E91.

    Args:
        machine: a backend that runs circuits.
        rounds: pairs.
        rng: draws bases and shots.

    >>> from qfl.backends import get_backend
    >>> found = run_e91_rounds(get_backend("statevector"), rounds=20_000,
    ...                        rng=np.random.default_rng(0))
    >>> found.qber, round(found.chsh, 1)
    (0.0, 2.8)
    """
    alice, bob = draw_bases(rounds, rng=rng)
    outcomes = _run(machine, np.stack([alice, bob], axis=1), pair_round, rng)
    return Pairs(outcomes[:, 0], outcomes[:, 1], alice, bob)


def _run(
    machine: CircuitRunner,
    choices: NDArray[np.uint8],
    circuit: Callable[..., CircuitSpec],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return the outcomes (rounds, qubits) of one circuit per row of choices."""
    if not isinstance(machine, CircuitRunner):
        raise BackendError(
            f"{type(machine).__name__} runs ansaetze only; rounds run on 'statevector', 'aer', "
            "'aer:fake_NAME' and 'qiskit:DEVICE'"
        )
    if len(choices) < 1:
        raise ConfigError("0 rounds; allowed: at least 1")
    different, which = np.unique(choices, axis=0, return_inverse=True)
    specs = [circuit(*choice) for choice in different.tolist()]
    outcomes = np.zeros((len(choices), specs[0].qubits), np.uint8)
    for index, spec in enumerate(specs):
        here = np.flatnonzero(which.ravel() == index)
        counts = machine.run(spec, shots=len(here), rng=rng)
        outcomes[here] = rng.permutation(np.repeat(counts.states, counts.shots, axis=0))
    return outcomes
