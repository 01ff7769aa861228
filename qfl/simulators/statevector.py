"""Any circuit on a state vector, gate by gate, in torch: batched and differentiable.

The oracle that adapters are checked against, and the engine of quantum client models. States are
numbered sum_k x_k 2^k. Angles come as a tensor whose last axis follows `spec.parameters`; whatever
is in front of it is a batch, in the result too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate
from qfl.core.errors import BackendError
from qfl.simulators.memory import free_bytes, require

_COMPLEX = {torch.float64: torch.complex128, torch.float32: torch.complex64}


def run(spec: CircuitSpec, angles: Tensor | None = None, *, state: Tensor | None = None) -> Tensor:
    """Return the final state (..., 2^n); its precision and device are those of `angles`.

    Args:
        spec: n qubits; measurements are left out.
        angles: (..., parameters) float64 or float32, radians; None for a bound circuit, which
            runs in double precision on the processor.
        state: where to begin, (..., 2^n) complex; None for |0...0>.

    Raises:
        BackendError: angles of the wrong length or type.
        CapacityError: the states do not fit the memory.

    >>> bell = CircuitSpec(2, (Gate("h", (0,)), Gate("cx", (0, 1))))
    >>> probabilities(run(bell)).numpy().round(12).tolist()
    [0.5, 0.0, 0.0, 0.5]
    """
    values = torch.zeros(0, dtype=torch.float64) if angles is None else angles
    if values.dtype not in _COMPLEX or values.shape[-1:] != (len(spec.parameters),):
        raise BackendError(
            f"angles must be float64 or float32 of shape (..., {len(spec.parameters)}) for "
            f"{spec.parameters}, got {values.dtype} of shape {tuple(values.shape)}"
        )
    batch, dtype = values.shape[:-1], _COMPLEX[values.dtype]
    _fits(spec, values, dtype)
    if state is None:
        state = torch.zeros(1 << spec.qubits, dtype=dtype, device=values.device)
        state[0] = 1
    shape = np.broadcast_shapes(batch, state.shape[:-1])
    psi = state.to(dtype).expand(*shape, 1 << spec.qubits).reshape(-1, 1 << spec.qubits)
    rows = values.expand(*shape, -1).reshape(len(psi), -1)
    for gate in spec.gates:
        matrix = _matrix(gate, spec, rows, dtype)
        psi = _one(psi, gate, matrix) if len(gate.qubits) == 1 else _two(psi, gate, matrix)
    return psi.reshape(*shape, -1)


def probabilities(state: Tensor, qubits: Sequence[int] | None = None) -> Tensor:
    """Return the distribution (..., 2^m) of m qubits, the first one being the low bit.

    >>> probabilities(torch.tensor([0.5, 0.5, 0.5, 0.5]), [1]).tolist()
    [0.5, 0.5]
    """
    n = state.shape[-1].bit_length() - 1
    found = state.abs().square()
    if qubits is None:
        return found
    axes = [n - 1 - qubit for qubit in reversed(qubits)]
    rest = [axis for axis in range(n) if axis not in axes]
    cube = found.reshape(-1, *[2] * n).permute(0, *[1 + axis for axis in axes + rest])
    return cube.reshape(*state.shape[:-1], 1 << len(axes), -1).sum(-1)


def expectations_z(state: Tensor, qubits: Sequence[int]) -> Tensor:
    """Return <Z> of each of the qubits, shape (..., len(qubits)).

    >>> expectations_z(torch.tensor([0.0, 1.0]), [0]).tolist()
    [-1.0]
    """
    each = [probabilities(state, [qubit]) for qubit in qubits]
    return torch.stack([one[..., 0] - one[..., 1] for one in each], dim=-1)


def _matrix(gate: Gate, spec: CircuitSpec, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the unitary of a gate for each row of angles, (rows or 1, d, d)."""
    if gate.name in FIXED:
        return torch.tensor(FIXED[gate.name], dtype=dtype, device=rows.device)[None]
    generator = torch.tensor(GENERATORS[gate.name], dtype=dtype, device=rows.device)
    square = torch.tensor(
        np.matmul(GENERATORS[gate.name], GENERATORS[gate.name]), dtype=dtype, device=rows.device
    )
    angle = rows.new_full((1,), gate.angle)
    if gate.parameter:
        angle = angle + gate.factor * rows[:, spec.parameters.index(gate.parameter)]
    half = (angle / 2)[:, None, None]
    identity = torch.eye(len(generator), dtype=dtype, device=rows.device)
    return identity + (half.cos() - 1) * square - 1j * half.sin() * generator


def _one(psi: Tensor, gate: Gate, matrix: Tensor) -> Tensor:
    parts = psi.reshape(len(psi), -1, 2, 1 << gate.qubits[0])
    return torch.einsum("bij,bhjl->bhil", matrix.expand(len(psi), -1, -1), parts).reshape(psi.shape)


def _two(psi: Tensor, gate: Gate, matrix: Tensor) -> Tensor:
    """The matrix index is bit of first + 2 * bit of second qubit."""
    first, second = gate.qubits
    low, high = min(gate.qubits), max(gate.qubits)
    parts = psi.reshape(len(psi), -1, 2, 1 << (high - low - 1), 2, 1 << low)
    tensor = matrix.expand(len(psi), -1, -1).reshape(-1, 2, 2, 2, 2)
    rule = "bxyuv,bhumvl->bhxmyl" if first < second else "byxvu,bhumvl->bhxmyl"
    return torch.einsum(rule, tensor, parts).reshape(psi.shape)


def _fits(spec: CircuitSpec, values: Tensor, dtype: torch.dtype) -> None:
    """Refuse what does not fit: three states, or one per gate when gradients are recorded."""
    kept = len(spec.gates) + 3 if values.requires_grad else 3
    row = kept * dtype.itemsize << spec.qubits
    rows = max(1, values.numel() // max(1, values.shape[-1]))
    device = "cuda" if values.is_cuda else "cpu"
    most = int(free_bytes(device) // row)
    require(
        rows * row,
        what=f"{rows} states of {spec.qubits} qubits through {len(spec.gates)} gates",
        advice=f"try batches of {most}" if most else "try fewer qubits, or float32 angles",
        device=device,
    )
