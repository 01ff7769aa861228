"""Circuits of few qubits for very many angle sets at once: the engine of quantum modules.

The same states as `statevector.run`, which is the oracle, in far fewer and larger steps: all
one-qubit gates between two entangling ones become one matrix per qubit, the matrices of up to
three qubits one Kronecker product, and runs of CX and SWAP one permutation. Works under
`torch.func.vmap` and `grad`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate
from qfl.core.errors import BackendError
from qfl.simulators.statevector import run

_BLOCK = 3
_PERMUTING = ("cx", "swap")
_COMPLEX = {torch.float64: torch.complex128, torch.float32: torch.complex64}


@dataclass(frozen=True, eq=False)
class _Turn:
    """One-qubit gates in `depth` layers over all qubits, identities where there is none.

    Attributes:
        fixed: (depth, n, 2, 2) what a gate is at angle 0: its unitary if it has no angle.
        generator: (depth, n, 2, 2), zero for gates without an angle.
        constant, factor: (depth, n); the angle is constant + factor * parameter.
        parameter: (depth, n) columns of the angles.
    """

    fixed: NDArray[np.complex128]
    generator: NDArray[np.complex128]
    constant: NDArray[np.float64]
    factor: NDArray[np.float64]
    parameter: NDArray[np.int64]

    def matrices(self, values: Tensor) -> Tensor:
        """Return the unitary of every qubit, (rows, n, 2, 2)."""
        dtype, device = _COMPLEX[values.dtype], values.device
        fixed = torch.tensor(self.fixed, dtype=dtype, device=device)
        generator = torch.tensor(self.generator, dtype=dtype, device=device)
        constant = torch.tensor(self.constant, dtype=values.dtype, device=device)
        factor = torch.tensor(self.factor, dtype=values.dtype, device=device)
        picked = values[:, torch.from_numpy(self.parameter.ravel()).to(device)]
        half = (constant + factor * picked.reshape(-1, *self.parameter.shape))[..., None, None] / 2
        each = fixed * half.cos() - 1j * generator * half.sin()
        product = each[:, 0]
        for layer in range(1, each.shape[1]):
            product = each[:, layer] @ product
        return product


_Step = _Turn | NDArray[np.int64] | Gate


def run_fused(spec: CircuitSpec, angles: Tensor) -> Tensor:
    """Return the final state (..., 2^n) from |0...0>; precision and device are those of `angles`.

    Args:
        spec: n qubits; measurements are left out.
        angles: (..., parameters) float64 or float32, radians.

    Raises:
        BackendError: angles of the wrong length or type.

    >>> from circuits.vqc import circuit
    >>> spec, angles = circuit(2, 1), torch.linspace(0, 1, 6, dtype=torch.float64)
    >>> bool(torch.allclose(run_fused(spec, angles), run(spec, angles)))
    True
    """
    if angles.dtype not in _COMPLEX or angles.shape[-1:] != (len(spec.parameters),):
        raise BackendError(
            f"angles must be float64 or float32 of shape (..., {len(spec.parameters)}), got "
            f"{angles.dtype} of shape {tuple(angles.shape)}"
        )
    values = angles.reshape(-1, len(spec.parameters))
    start = np.zeros(1 << spec.qubits)
    start[0] = 1
    psi = torch.tensor(start, dtype=_COMPLEX[angles.dtype], device=angles.device)
    psi = psi.expand(len(values), -1)
    for step in _program(spec):
        if isinstance(step, _Turn):
            psi = _turn(psi, step.matrices(values))
        elif isinstance(step, Gate):
            psi = run(CircuitSpec(spec.qubits, (step,), spec.parameters), values, state=psi)
        else:
            psi = psi[:, torch.from_numpy(step).to(psi.device)]
    return psi.reshape(*angles.shape[:-1], -1)


def _turn(psi: Tensor, matrices: Tensor) -> Tensor:
    """Apply one matrix per qubit, in blocks of qubits."""
    rows, n = matrices.shape[:2]
    for low in range(0, n, _BLOCK):
        block = matrices[:, low]
        for qubit in range(low + 1, min(low + _BLOCK, n)):
            high = matrices[:, qubit]
            size = 2 * block.shape[-1]
            block = (high[:, :, None, :, None] * block[:, None, :, None, :]).reshape(
                rows, size, size
            )
        parts = psi.reshape(rows, -1, block.shape[-1], 1 << low)
        psi = (block[:, None] @ parts).reshape(rows, -1)
    return psi


@lru_cache(maxsize=256)
def _program(spec: CircuitSpec) -> tuple[_Step, ...]:
    """Return the circuit in as few steps as it takes."""
    return tuple(_steps(spec))


def _steps(spec: CircuitSpec) -> Iterator[_Step]:
    waiting: list[list[Gate]] = [[] for _ in range(spec.qubits)]
    order: NDArray[np.int64] | None = None
    for gate in spec.gates:
        if len(gate.qubits) == 1:
            if order is not None:
                yield order
                order = None
            waiting[gate.qubits[0]].append(gate)
            continue
        if any(waiting):
            yield _gathered(spec, waiting)
            waiting = [[] for _ in range(spec.qubits)]
        if gate.name in _PERMUTING:
            moved = _permutation(spec.qubits, gate)
            order = moved if order is None else order[moved]
            continue
        if order is not None:
            yield order
            order = None
        yield gate
    if order is not None:
        yield order
    if any(waiting):
        yield _gathered(spec, waiting)


def _permutation(qubits: int, gate: Gate) -> NDArray[np.int64]:
    """Return which amplitude each amplitude is after a CX or SWAP (each its own inverse)."""
    states = np.arange(1 << qubits)
    first, second = gate.qubits
    if gate.name == "cx":
        return states ^ ((states >> first & 1) << second)
    differ = (states >> first ^ states >> second) & 1
    return states ^ (differ << first) ^ (differ << second)


def _gathered(spec: CircuitSpec, waiting: list[list[Gate]]) -> _Turn:
    """Return the waiting gates of every qubit as one step."""
    shape = (max(map(len, waiting)), spec.qubits)
    fixed = np.broadcast_to(np.eye(2, dtype=np.complex128), (*shape, 2, 2)).copy()
    generator = np.zeros((*shape, 2, 2), dtype=np.complex128)
    constant, factor = np.zeros(shape), np.zeros(shape)
    parameter = np.zeros(shape, dtype=np.int64)
    for qubit, gates in enumerate(waiting):
        for layer, gate in enumerate(gates):
            place = layer, qubit
            if gate.name in FIXED:
                fixed[place] = FIXED[gate.name]
                continue
            generator[place] = GENERATORS[gate.name]
            constant[place] = gate.angle
            if gate.parameter:
                factor[place] = gate.factor
                parameter[place] = spec.parameters.index(gate.parameter)
    return _Turn(fixed, generator, constant, factor, parameter)
