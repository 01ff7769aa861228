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
from qfl.backends import get_backend, has_queue, innermost
from qfl.backends.gates import too_few
from qfl.backends.stored import snapshot_names
from qfl.core.errors import BackendError, CapacityError, MissingExtraError
from qfl.simulators.pauli import seconds


@dataclass(frozen=True, slots=True)
class Size:
    """One circuit on one machine.

    Attributes:
        qubits, depth, two_qubit_gates: after transpilation, before it where it has no place.
        circuit_seconds: one shot, without the pause before the next; 0 if the device does not say.
        source: the device whose couplers and gate times were used; "" for none.
        refusal: why it cannot run there, and what to do; "" if it can.
        simulation_seconds: about how long our simulation of a snapshot takes for one circuit, on
            one core; 0 for other places.
    """

    qubits: int
    depth: int
    two_qubit_gates: int
    circuit_seconds: float
    source: str
    refusal: str = ""
    simulation_seconds: float = 0.0


def size(name: str, options: Mapping[str, Any], ansatz: QaoaAnsatz) -> Size:
    """Return the size of an ansatz on the backend that `get_backend(name, **options)` names.

    Wrappers add no gates, so what they wrap is sized.

    >>> import numpy as np
    >>> chain = QaoaAnsatz(0.0, np.ones(3), np.diag([1.0, 1.0], 1), "x", 1)
    >>> size("aer:fake_manila", {}, chain).two_qubit_gates
    4
    """
    bare = _bare(ansatz, innermost(name, options)[1])
    try:
        backend = get_backend(name, **options)
        found = _inside(*innermost(name, options), ansatz, bare)
        refusal = found.refusal or _unfit(backend, options.get("snapshot"), ansatz)
    except (BackendError, CapacityError, MissingExtraError) as error:
        found, refusal = bare, str(error)
    lasting = 0.0 if refusal else found.simulation_seconds
    return replace(found, refusal=refusal, simulation_seconds=lasting)


def _inside(name: str, options: Mapping[str, Any], ansatz: QaoaAnsatz, bare: Size) -> Size:
    """Return the size on the backend behind all wrappers."""
    row, _, target = name.partition(":")
    if row == "aer":
        return _simulated(get_backend(name, **options), ansatz, bare)
    if row == "ibm":
        return _on_machine(target or options["device"], options, ansatz)
    backend: Any = get_backend(name, **options)
    if row == "qiskit":
        compiled = backend.compile(ansatz)
        if has_queue(name, options):
            compiled.placement()  # says if jobs would be lost there
        return _of(compiled.placed, compiled.device)
    if row in ("subspace", "statevector"):
        backend.check_size(ansatz)
    if row in ("levels", "recorded"):
        backend.compile(ansatz)  # counts states, or reads what is there, or says why not
    return bare


def _unfit(backend: Any, snapshot: str | None, ansatz: QaoaAnsatz) -> str:
    """Return why a backend does not take an ansatz, "" if it does, as far as it says."""
    can = backend.capabilities
    if ansatz.mixer not in can.mixers:
        return (
            f"{can.name} does not run mixer {ansatz.mixer!r}; choose among {', '.join(can.mixers)}"
        )
    if can.max_qubits is not None and ansatz.n > can.max_qubits:
        return str(too_few(snapshot or can.name, can.max_qubits, ansatz.n))
    return ""


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
        if backend.engine == "pauli":
            lasting = seconds(found.qubits, found.two_qubit_gates)
            found = replace(found, simulation_seconds=lasting)
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
        circuit_seconds=_lasting(placed.circuit, device.target),
        source=device.name,
    )


def _lasting(circuit: Any, target: Any) -> float:
    """Return the seconds of one shot, 0 on a device that does not say how long its gates take."""
    from qiskit.exceptions import QiskitError

    try:
        return float(circuit.estimate_duration(target, unit="s"))
    except QiskitError:
        return 0.0
