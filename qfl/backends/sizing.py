"""How large a circuit is on a machine, found without sending anything.

A machine of IBM's cloud is sized on its newest stored snapshot where there is one, so that an
estimate needs no account; else on the machine itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz, resources
from qfl.backends import get_backend, innermost
from qfl.backends.gates import lowered
from qfl.backends.placement import Placed, place
from qfl.backends.snapshots import snapshot, snapshot_names


@dataclass(frozen=True, slots=True)
class Size:
    """One circuit on one machine.

    Attributes:
        qubits, depth, two_qubit_gates: after transpilation.
        circuit_seconds: one shot, without the pause before the next.
        source: the device whose couplers and gate times were used; "" for none.
    """

    qubits: int
    depth: int
    two_qubit_gates: int
    circuit_seconds: float
    source: str


def size(name: str, options: Mapping[str, Any], ansatz: QaoaAnsatz) -> Size:
    """Return the size of an ansatz on the backend that `get_backend(name, **options)` names.

    Wrappers add no gates, so what they wrap is sized.

    >>> import numpy as np
    >>> chain = QaoaAnsatz(0.0, np.ones(3), np.diag([1.0, 1.0], 1), "x", 1)
    >>> size("aer:fake_manila", {}, chain).two_qubit_gates
    4
    """
    name, options = innermost(name, options)
    row, _, target = name.partition(":")
    if row == "aer" and (target or options.get("snapshot")):
        return _on(snapshot(target or options["snapshot"]), name, options, ansatz)
    if row == "ibm":
        machine = target or options["device"]
        stored = "fake_" + machine.removeprefix("ibm_")
        if stored in snapshot_names():
            return _on(snapshot(stored), name, options, ansatz)
        compiled: Any = get_backend(name, **options).compile(ansatz)
        return _of(compiled.placed, compiled.device)
    needs = resources(ansatz, trotter_steps=options.get("trotter_steps") or 1)
    return Size(needs.qubits, needs.depth, needs.two_qubit_gates, 0.0, "")


def _on(device: Any, name: str, options: Mapping[str, Any], ansatz: QaoaAnsatz) -> Size:
    spec = lowered(name, ansatz, options.get("trotter_steps"), line=options.get("line", False))
    level, seed = options.get("level", 3), options.get("transpiler_seed", 0)
    return _of(place(to_qiskit(spec), device, level=level, seed=seed), device)


def _of(placed: Placed, device: Any) -> Size:
    return Size(
        qubits=len(placed.qubits),
        depth=placed.depth,
        two_qubit_gates=placed.two_qubit_gates,
        circuit_seconds=float(placed.circuit.estimate_duration(device.target, unit="s")),
        source=device.name,
    )
