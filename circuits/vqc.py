"""Variational circuits that read numbers as angles: the quantum part of a client's model.

Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from functools import lru_cache

from circuits.spec import CircuitSpec, Gate


@lru_cache(maxsize=64)
def circuit(qubits: int, layers: int, *, reupload: bool = False) -> CircuitSpec:
    """Return RY(x_k) on every qubit, then layers of RY, RZ and a ring of CX; 2 qubits layers
    trainable angles.

    The parameters are x_0 ... x_{qubits - 1}, then w_{layer}_{qubit}_y and w_{layer}_{qubit}_z
    layer by layer, so an angle tensor is the inputs followed by the weights.

    Args:
        qubits: how many; each reads one number.
        layers: trainable layers.
        reupload: encode the inputs again before every layer, which makes the outputs richer
            functions of the inputs (Perez-Salinas et al. 2020, arXiv:1907.02085).

    >>> spec = circuit(6, 4)
    >>> len(spec.parameters) - 6, spec.resources().two_qubit_gates
    (48, 24)
    """
    if qubits < 1 or layers < 1:
        raise ValueError(f"a circuit needs qubits and layers, got {qubits} and {layers}")
    inputs = tuple(f"x_{k}" for k in range(qubits))
    encode = tuple(Gate("ry", (k,), factor=1.0, parameter=inputs[k]) for k in range(qubits))
    ring = tuple(
        Gate("cx", (k, (k + 1) % qubits)) for k in range(qubits if qubits > 2 else qubits - 1)
    )
    gates: list[Gate] = []
    weights: list[str] = []
    for layer in range(layers):
        if reupload or layer == 0:
            gates += encode
        for k in range(qubits):
            for axis in "yz":
                weights.append(f"w_{layer}_{k}_{axis}")
                gates.append(Gate(f"r{axis}", (k,), factor=1.0, parameter=weights[-1]))
        gates += ring
    return CircuitSpec(qubits, tuple(gates), parameters=(*inputs, *weights))
