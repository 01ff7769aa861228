"""Stored calibrations of real devices, as qiskit-ibm-runtime ships them, and their noise.

A noise model is built for the qubits that a circuit uses and no others, once for each set of them:
depolarising noise and relaxation after every gate, asymmetric readout, all from the snapshot.
Crosstalk, leakage and drift are not in it, errors of idle qubits only where they are asked for, so
it is a best case.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit_aer.noise import NoiseModel, ReadoutError

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz, resources
from circuits.spec import CircuitSpec
from qfl.backends.calibration import execution, readout, success_probability
from qfl.backends.gates import lowered
from qfl.backends.placement import PLAIN, Layout, Placed, place
from qfl.backends.targets import Device, fractional, part
from qfl.core.arrays import frozen
from qfl.core.decision import Execution
from qfl.core.errors import MissingExtraError, UnknownNameError


@lru_cache(maxsize=8)
def snapshot(name: str) -> Any:
    """Return a snapshot as a qiskit BackendV2.

    Raises:
        MissingExtraError: qiskit-ibm-runtime is not installed.
        UnknownNameError: it ships no snapshot of this name.
    """
    classes = _classes()
    if name not in classes:
        raise UnknownNameError("snapshot", name, classes)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)  # some say they are not typical
        device = classes[name]()
        device.target  # noqa: B018  # parsed on first use, which may warn too
    return device


@lru_cache(maxsize=8)
def device(name: str, fractional_gates: bool = False) -> Any:
    """Return a snapshot with or without fractional gates; see `targets.fractional`.

    Raises:
        ConfigError: it can have none.
        MissingExtraError, UnknownNameError: as `snapshot`.
    """
    return fractional(snapshot(name), fractional_gates)


@lru_cache(maxsize=64)
def placed(
    name: str, spec: CircuitSpec, layout: Layout = PLAIN, *, fractional_gates: bool = False
) -> Placed:
    """Return a circuit on the qubits of a snapshot, few of them; see `placement.place`."""
    return place(to_qiskit(spec), device(name, fractional_gates), layout, compact=True)


def gate_count_error(name: str, ansatz: QaoaAnsatz, *, trotter_steps: int | None = None) -> float:
    """Return the `two_qubit_error` at which "noise:depolarising" stands for a snapshot.

    The ansatz is placed on the device; P is the product of 1 - error over its two-qubit gates, the
    routing included. The model counts the G gates before routing, so its error per gate is
    1 - P^(1/G). It takes every error for a loss of the whole state and is therefore pessimistic.

    >>> empty = QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1)
    >>> gate_count_error("fake_manila", empty)
    0.0
    """
    gates = resources(ansatz, trotter_steps=trotter_steps or 1).two_qubit_gates
    if not gates:
        return 0.0
    where = placed(name, lowered(f"aer:{name}", ansatz, trotter_steps))
    return float(1 - success_probability(device(name), where) ** (1 / gates))


def gate_count_execution(
    name: str, ansatz: QaoaAnsatz, *, trotter_steps: int | None = None
) -> Execution:
    """Return what `gate_count_error` was calibrated from: the qubits of the placed circuit.

    The size is that which the model counts: before routing.

    >>> chain = QaoaAnsatz(0.0, np.ones(3), np.diag([1.0, 1.0], 1), "x", 1)
    >>> gate_count_execution("fake_manila", chain).two_qubit_gates
    4
    """
    where = placed(name, lowered(f"aer:{name}", ansatz, trotter_steps))
    counted = resources(ansatz, trotter_steps=trotter_steps or 1)
    return replace(
        _execution(name, where),
        qubits=counted.qubits,
        depth=counted.depth,
        two_qubit_gates=counted.two_qubit_gates,
    )


@lru_cache(maxsize=64)
def _execution(name: str, where: Placed) -> Execution:
    return execution(device(name), where)


@lru_cache(maxsize=32)
def noise(name: str, qubits: tuple[int, ...]) -> NoiseModel:
    """Return the noise of a snapshot on `qubits`, renumbered 0, 1, ... in their order."""
    model = NoiseModel.from_backend(
        Device(part(snapshot(name).target, qubits)), readout_error=False
    )
    for k, matrix in enumerate(readouts(name, qubits)):
        model.add_readout_error(ReadoutError(matrix.T), [k])
    return model


@lru_cache(maxsize=64)
def readouts(name: str, qubits: tuple[int, ...]) -> NDArray[np.float64]:
    """Return how a snapshot reads `qubits`: (n, 2, 2), entry (k, i, j) reads i where j was."""
    properties, target = snapshot(name).properties(), snapshot(name).target
    found = np.tile(np.eye(2), (len(qubits), 1, 1))
    for matrix, qubit in zip(found, qubits, strict=True):
        given_0, given_1 = (error or 0.0 for error in readout(target, properties, qubit))
        matrix[:] = [[1 - given_0, given_1], [given_0, 1 - given_1]]
    return frozen(found, np.float64)


@lru_cache(maxsize=1)
def _classes() -> dict[str, Any]:
    if find_spec("qiskit_ibm_runtime") is None:
        raise MissingExtraError("a snapshot", "ibm")
    from qiskit_ibm_runtime.fake_provider import backends

    found: list[Any] = [each for each in vars(backends).values() if inspect.isclass(each)]
    return {each.backend_name: each for each in found}
