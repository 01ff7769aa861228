"""Stored calibrations of real devices, as qiskit-ibm-runtime ships them, and their noise.

A noise model is built for the qubits that a circuit uses and no others, once for each set of them:
depolarising noise and relaxation after every gate, asymmetric readout, all from the snapshot.
Crosstalk, leakage, drift and idle errors are not in it, so it is a best case.
"""

from __future__ import annotations

import inspect
import warnings
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel, ReadoutError

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz, resources
from circuits.spec import CircuitSpec
from qfl.backends.calibration import readout, success_probability
from qfl.backends.gates import lowered
from qfl.backends.placement import Placed, place
from qfl.core.errors import MissingExtraError, UnknownNameError


def snapshot_names() -> tuple[str, ...]:
    """Return the names of all snapshots, ascending; "fake_boston" is one."""
    return tuple(sorted(_classes()))


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


@lru_cache(maxsize=64)
def placed(name: str, spec: CircuitSpec, level: int = 3, seed: int = 0) -> Placed:
    """Return a circuit on the qubits of a snapshot; see `placement.place`."""
    return place(to_qiskit(spec), snapshot(name), level=level, seed=seed, compact=True)


def gate_count_error(name: str, ansatz: QaoaAnsatz, *, trotter_steps: int | None = None) -> float:
    """Return the `two_qubit_error` at which "noise:depolarising" stands for a snapshot.

    The ansatz is placed on the device; P is the product of 1 - error over its two-qubit gates, the
    routing included. The model counts the G gates before routing, so its error per gate is
    1 - P^(1/G). It takes every error for a loss of the whole state and is therefore pessimistic.

    >>> empty = QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1)
    >>> gate_count_error("fake_manila", empty)
    0.0
    """
    spec = lowered(f"aer:{name}", ansatz, trotter_steps)
    gates = resources(ansatz, trotter_steps=trotter_steps or 1).two_qubit_gates
    if not gates:
        return 0.0
    survival = success_probability(snapshot(name), placed(name, spec))
    return float(1 - survival ** (1 / gates))


@lru_cache(maxsize=32)
def noise(name: str, qubits: tuple[int, ...]) -> NoiseModel:
    """Return the noise of a snapshot on `qubits`, renumbered 0, 1, ... in their order."""
    model = NoiseModel.from_backend(_Part(snapshot(name).target, qubits), readout_error=False)
    for k, matrix in enumerate(readouts(name, qubits)):
        model.add_readout_error(ReadoutError(matrix.T), [k])
    return model


def readouts(name: str, qubits: tuple[int, ...]) -> NDArray[np.float64]:
    """Return how a snapshot reads `qubits`: (n, 2, 2), entry (k, i, j) reads i where j was."""
    device = snapshot(name)
    properties = device.properties()
    found = np.tile(np.eye(2), (len(qubits), 1, 1))
    for matrix, qubit in zip(found, qubits, strict=True):
        given_0, given_1 = (error or 0.0 for error in readout(device.target, properties, qubit))
        matrix[:] = [[1 - given_0, given_1], [given_0, 1 - given_1]]
    return found


class _Part(BackendV2):  # type: ignore[misc]  # Qiskit is not typed
    """Some qubits of a device, as far as a noise model looks at one."""

    def __init__(self, whole: Target, qubits: tuple[int, ...]) -> None:
        super().__init__()
        place_of = {qubit: place for place, qubit in enumerate(qubits)}
        listed = whole.qubit_properties
        self._target = Target(
            num_qubits=len(qubits),
            dt=whole.dt,
            qubit_properties=[listed[qubit] for qubit in qubits] if listed else None,
        )
        for name in whole.operation_names:
            operation = whole.operation_from_name(name)
            if inspect.isclass(operation):
                continue  # control flow
            on_part = {
                tuple(place_of[qubit] for qubit in where): reported
                for where, reported in whole[name].items()
                if where and place_of.keys() >= set(where)
            }
            if on_part:
                self._target.add_instruction(operation, on_part, name=name)

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        raise TypeError("a part of a device has noise, but runs nothing")


@lru_cache(maxsize=1)
def _classes() -> dict[str, Any]:
    if find_spec("qiskit_ibm_runtime") is None:
        raise MissingExtraError("a snapshot", "ibm")
    from qiskit_ibm_runtime.fake_provider import backends

    found: list[Any] = [each for each in vars(backends).values() if inspect.isclass(each)]
    return {each.backend_name: each for each in found}
