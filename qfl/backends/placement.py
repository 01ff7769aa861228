"""A circuit on the qubits of a Qiskit device: transpiled once, and cut down to those it uses.

Layout and routing are Qiskit's at its highest level, which reads the error rates of the device
and so avoids its dead couplers; the best of several tries is kept. What a device adds is undone in
`measured`: column k of the counts is variable k, wherever it ended up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager

from qfl.backends.calibration import dead_pairs, success_probability
from qfl.backends.gates import too_few
from qfl.backends.targets import without_errors
from qfl.core.errors import BackendError, ConfigError

TRIES = 4
"""Layouts that are compared: chance decides a fifth of the gates, and a layout takes 0.2 s."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a circuit is put on a device.

    Attributes:
        level: Qiskit's optimisation level, 0..3.
        seed: of layout and routing; the tries use seed, seed + 1, ...
        noise_aware: look at the error rates; else at couplers alone, as if all were equal.
    """

    level: int = 3
    seed: int = 0
    noise_aware: bool = True

    def __post_init__(self) -> None:
        if self.level not in range(4):
            raise ConfigError(f"level must be 0, 1, 2 or 3, got {self.level}")


PLAIN = Layout()


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A circuit as a device runs it.

    Attributes:
        circuit: on all qubits of the device, measurements included; what is submitted.
        compact: its gates alone, on the used qubits numbered in the order of `qubits`.
        qubits: the device's numbers of the used qubits, ascending.
        measured: the compact qubit that is read into each column of the counts.
        two_qubit_gates, depth: gates on two qubits, and layers of them, after transpilation.
        operations: how often each gate runs on which device qubits.
    """

    circuit: QuantumCircuit
    compact: QuantumCircuit
    qubits: tuple[int, ...]
    measured: tuple[int, ...]
    two_qubit_gates: int
    depth: int
    operations: Counter[tuple[str, tuple[int, ...]]]


def place(
    circuit: QuantumCircuit, device: Any, layout: Layout = PLAIN, *, compact: bool = False
) -> Placed:
    """Return a measured circuit on the qubits of a device, the best of TRIES layouts.

    Args:
        circuit: parameters may be free; they stay free.
        device: a qiskit BackendV2.
        layout: how.
        compact: prefer few qubits, which is what simulating noise costs by, to few errors.

    Raises:
        CapacityError: the device has fewer qubits than the circuit.
        BackendError: it looked at errors, and every layout has a gate that always fails.
    """
    if device.num_qubits is not None and circuit.num_qubits > device.num_qubits:
        raise too_few(device.name, device.num_qubits, circuit.num_qubits)
    found = [_placed(circuit, device, layout, turn) for turn in range(TRIES)]
    if layout.noise_aware:
        dead = [dead_pairs(device, placed) for placed in found]
        if all(dead):
            a, b = dead[0][0]
            raise BackendError(
                f"every layout found on {device.name} uses a gate of reported error 1, such as on "
                f"qubits {a} and {b}: its counts would be pure noise; choose another device, fewer "
                "variables (clients), or noise_aware = false to run it all the same"
            )
        found = [placed for placed, pairs in zip(found, dead, strict=True) if not pairs]

    def cost(placed: Placed) -> tuple[float, float]:
        survival = success_probability(device, placed) if layout.noise_aware else 0.0
        return len(placed.qubits) if compact else 0.0, -survival

    return min(found, key=cost)


def _placed(circuit: QuantumCircuit, device: Any, layout: Layout, turn: int) -> Placed:
    target = device.target if layout.noise_aware else without_errors(device.target)
    manager = generate_preset_pass_manager(
        layout.level, backend=device, target=target, seed_transpiler=layout.seed + turn
    )
    routed = manager.run(circuit)
    steps = [
        (step, tuple(routed.find_bit(qubit).index for qubit in step.qubits))
        for step in routed.data
        if step.operation.name != "barrier"
    ]
    used = tuple(sorted({qubit for _, qubits in steps for qubit in qubits}))
    place_of = {qubit: place for place, qubit in enumerate(used)}
    compact = QuantumCircuit(len(used))
    columns: dict[int, int] = {}
    operations: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for step, qubits in steps:
        operations[step.operation.name, qubits] += 1
        places = [place_of[qubit] for qubit in qubits]
        if step.operation.name == "measure":
            columns[routed.find_bit(step.clbits[0]).index] = places[0]
        else:
            compact.append(step.operation, places)
    return Placed(
        circuit=routed,
        compact=compact,
        qubits=used,
        measured=tuple(columns[column] for column in sorted(columns)),
        two_qubit_gates=sum(n for (_, on), n in operations.items() if len(on) == 2),
        depth=routed.depth(lambda step: len(step.qubits) == 2),
        operations=operations,
    )


def fold(circuit: QuantumCircuit, scale: int) -> QuantumCircuit:
    """Return a circuit with every two-qubit gate G as G (G^-1 G)^((scale - 1) / 2).

    The unitary stays; the noise of two-qubit gates grows by `scale`. One-qubit gates, ten times
    better on every platform, are left alone.

    Raises:
        ConfigError: `scale` is not odd and positive.
    """
    if scale < 1 or scale % 2 == 0:
        raise ConfigError(f"a noise scale must be odd and at least 1, got {scale}")
    folded = circuit.copy_empty_like()
    for step in circuit.data:
        times = scale if len(step.qubits) == 2 else 1
        for turn in range(times):
            gate = step.operation if turn % 2 == 0 else step.operation.inverse()
            folded.append(gate, step.qubits, step.clbits)
    return folded
