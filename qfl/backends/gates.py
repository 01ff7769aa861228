"""What the adapters that run gates share: the circuit of an ansatz, its basis states, its angles.

Basis states are numbered sum_k x_k 2^k; adapters turn other orders into this one at the border.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.line import xy_line_circuit
from circuits.qaoa import QaoaAnsatz, circuit, line_circuit
from circuits.spec import CircuitSpec
from qfl.backends.exact import check_shots, checked_angles
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, CapacityError
from qfl.core.ports import OnDevice

NATIVE_MIXERS = ("x", "xy_trotter", "xy_ring", "xy_parity_ring", "grover")
"""Mixers with an exact circuit for every constraint; "xy_complete" has one only for some."""


def lowered(
    name: str,
    ansatz: QaoaAnsatz,
    trotter_steps: int | None,
    *,
    line: bool = False,
    packed: bool = True,
) -> CircuitSpec:
    """Return the circuit of an ansatz for the backend `name`.

    Args:
        name: of the backend, for messages.
        ansatz: what to run.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit.
        line: go through the SWAP network, so that layers join neighbours on a line only; for
            mixers "x" and "xy_trotter".
        packed: order the commuting interactions of a cost so that they take few layers.

    Raises:
        BackendError: there is none: a warm start, or "xy_complete" on blocks without an exact
            circuit while `trotter_steps` is None.
    """
    try:
        if line:
            return line_circuit(ansatz) if ansatz.mixer == "x" else xy_line_circuit(ansatz)
        return circuit(ansatz, trotter_steps=trotter_steps, packed=packed)
    except ValueError as error:
        raise BackendError(f"{name} cannot run this ansatz: {error}") from error


def angle_rows(
    ansatz: QaoaAnsatz, angles: ArrayLike
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return angles (..., 2, p) as rows (m, 2p), in the order of the parameters, and (...)."""
    array = checked_angles(angles, ansatz.depth)
    shape = array.shape[:-2]
    return array.reshape(math.prod(shape), 2 * ansatz.depth), shape


def angle_row(ansatz: QaoaAnsatz, angles: ArrayLike) -> NDArray[np.float64]:
    """Return one angle set (2, p) as a single row (1, 2p)."""
    rows, shape = angle_rows(ansatz, angles)
    if shape:
        raise BackendError(f"one angle set of shape (2, {ansatz.depth}) was expected, not {shape}")
    return rows


def check_bound(circuit: CircuitSpec) -> None:
    """Raise BackendError for a circuit whose parameters have no values."""
    if circuit.parameters:
        raise BackendError(f"bind the parameters {circuit.parameters} before the circuit runs")


def sampled_only(name: str) -> BackendError:
    """Return the error of a device that is asked for an exact mean."""
    return BackendError(
        f"{name} only samples and knows no exact expectation; take the mean of a sample, or use "
        "an exact backend for training: training_backend = 'subspace'"
    )


def too_few(name: str, qubits: int, needed: int) -> CapacityError:
    """Return the error of a device with fewer qubits than a circuit needs.

    >>> str(too_few("fake_manila", 5, 6)).partition(";")[0]
    'fake_manila has 5 qubits, the circuit needs 6'
    """
    return CapacityError(
        f"{name} has {qubits} qubit{'s' * (qubits != 1)}, the circuit needs {needed}; choose a "
        "larger device, or fewer variables (clients)"
    )


def bits(index: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
    """Return basis states (m, n) of their numbers (m,)."""
    return ((index[:, None] >> np.arange(n)) & 1).astype(np.uint8)


def allowed(ansatz: QaoaAnsatz) -> NDArray[np.int64]:
    """Return the numbers of the states that the blocks of an ansatz allow, ascending."""
    index = np.arange(2**ansatz.n)
    for variables, ones in ansatz.blocks:
        mask = sum(1 << variable for variable in variables)
        index = index[np.bitwise_count(index & mask) == ones]
    return index


def drawn(probabilities: NDArray[np.float64], shots: int, rng: np.random.Generator) -> Counts:
    """Return `shots` samples of a distribution over all basis states (2^n,).

    >>> drawn(np.array([0.0, 0.0, 1.0, 0.0]), 3, np.random.default_rng(0)).samples()[0].tolist()
    [0, 1]
    """
    check_shots(shots)
    share = probabilities.clip(0.0)
    times = rng.multinomial(shots, share / share.sum())
    index = np.flatnonzero(times)
    return Counts.of(bits(index, len(share).bit_length() - 1), times[index])


def costs(ansatz: QaoaAnsatz) -> NDArray[np.float64]:
    """Return the cost of every basis state, (2^n,), built qubit by qubit.

    >>> costs(QaoaAnsatz(1.0, np.array([2.0, 3.0]), np.array([[0, 5.0], [0, 0]]), "x", 0)).tolist()
    [1.0, 3.0, 4.0, 11.0]
    """
    total = np.full(1, float(ansatz.constant))
    for k in range(ansatz.n):
        added = np.full(1, float(ansatz.linear[k]))
        for coefficient in ansatz.quadratic[:k, k]:
            added = np.concatenate([added, added + coefficient])
        total = np.concatenate([total, total + added])
    return total


def mean_cost(ansatz: QaoaAnsatz, counts: Counts) -> float:
    """Return the mean cost of samples.

    >>> ansatz = QaoaAnsatz(1.0, np.array([2.0, 3.0]), np.array([[0, 5.0], [0, 0]]), "x", 0)
    >>> mean_cost(ansatz, Counts.of([[1, 1], [0, 0]]))
    6.0
    """
    x = counts.states.astype(np.float64)
    energies = ansatz.constant + x @ ansatz.linear + ((x @ ansatz.quadratic) * x).sum(1)
    return float(energies @ counts.shots / counts.total)


def folded(compiled: Any, scale: int) -> Any:
    """Return a compiled ansatz with every two-qubit gate repeated `scale` times, an odd number.

    Raises:
        BackendError: its circuits do not fold.
    """
    fold: Callable[[int], Any] | None = getattr(compiled, "folded", None)
    if fold is None:
        raise BackendError(
            "zero-noise extrapolation repeats two-qubit gates, and the wrapped backend does not "
            "fold its circuits; wrap 'aer', a 'qiskit' device with mean_shots, "
            "'noise:depolarising', or another mitigation of one of these"
        )
    return fold(scale)


def execution_of(compiled: object, mitigation: str) -> Execution | None:
    """Return how a wrapped compiled ansatz runs, with one mitigation more; None without a device.

    >>> execution_of(object(), "readout") is None
    True
    """
    ran = compiled.execution() if isinstance(compiled, OnDevice) else None
    return ran and replace(ran, mitigation=(*ran.mitigation, mitigation))


def tensored(matrices: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the product of one (2, 2) matrix per variable with a vector (2^n,) in basis order.

    >>> tensored(np.array([[[0, 1], [1, 0]], [[1, 0], [0, 1]]]), np.arange(4.0)).tolist()
    [1.0, 0.0, 3.0, 2.0]
    """
    n = len(matrices)
    shaped = vector.reshape((2,) * n)
    for k, matrix in enumerate(matrices):
        axis = n - 1 - k  # variable 0 varies fastest
        shaped = np.moveaxis(np.tensordot(matrix, shaped, axes=(1, axis)), 0, axis)
    return shaped.reshape(-1)
