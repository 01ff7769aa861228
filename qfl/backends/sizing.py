"""How large a circuit is on a machine, found without sending or simulating anything.

A machine of IBM's cloud is sized on its newest stored snapshot where there is one, so that an
estimate needs no account; else on the machine itself. Frameworks are imported where a study names
one of their backends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from circuits.qaoa import QaoaAnsatz, resources
from circuits.spec import structure
from qfl.backends import get_backend, innermost
from qfl.backends.stored import snapshot_names
from qfl.core.errors import CapacityError


@dataclass(frozen=True, slots=True)
class Size:
    """One circuit on one machine.

    Attributes:
        qubits, depth, two_qubit_gates: after transpilation, before it where it has no place.
        circuit_seconds: one shot, without the pause before the next.
        source: the device whose couplers and gate times were used; "" for none.
        refusal: why it cannot run there, and what to do; "" if it can.
    """

    qubits: int
    depth: int
    two_qubit_gates: int
    circuit_seconds: float
    source: str
    refusal: str = ""


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
    bare = _bare(ansatz, options)
    try:
        if row == "aer":
            return _simulated(get_backend(name, **options), ansatz, bare)
        if row == "ibm":
            return _on_machine(target or options["device"], options, ansatz)
    except CapacityError as error:
        return replace(bare, refusal=str(error))
    return bare


def _bare(ansatz: QaoaAnsatz, options: Mapping[str, Any]) -> Size:
    """Return the size before transpilation."""
    needs = resources(ansatz, trotter_steps=options.get("trotter_steps") or 1)
    return Size(needs.qubits, needs.depth, needs.two_qubit_gates, 0.0, "")


def _simulated(backend: Any, ansatz: QaoaAnsatz, bare: Size) -> Size:
    """Return the size on Aer, as it would be simulated; a snapshot may take more qubits."""
    found = bare
    if backend.snapshot:
        from qfl.backends.snapshots import device

        placed = backend.placed(structure(backend.lowered(ansatz)).spec)
        found = _of(placed, device(backend.snapshot, backend.fractional_gates))
    try:
        backend.check_size(found.qubits)
    except CapacityError as error:
        return replace(found, refusal=str(error))
    return found


def _on_machine(machine: str, options: Mapping[str, Any], ansatz: QaoaAnsatz) -> Size:
    """Return the size on a machine of IBM's cloud."""
    options = {key: value for key, value in options.items() if key != "device"}
    backend: Any = get_backend(f"ibm:{machine}", **options)
    stored = "fake_" + machine.removeprefix("ibm_")
    if stored not in snapshot_names():
        compiled = backend.compile(ansatz)
        return _of(compiled.placed, compiled.device)
    from circuits.lowering.qiskit import to_qiskit
    from qfl.backends.placement import place
    from qfl.backends.snapshots import device

    like = device(stored, backend.fractional_gates)
    return _of(place(to_qiskit(backend.lowered(ansatz)), like, backend.layout()), like)


def _of(placed: Any, device: Any) -> Size:
    return Size(
        qubits=len(placed.qubits),
        depth=placed.depth,
        two_qubit_gates=placed.two_qubit_gates,
        circuit_seconds=float(placed.circuit.estimate_duration(device.target, unit="s")),
        source=device.name,
    )
