"""Where circuits run: the table of backends. Frameworks are imported in their own file only."""

from __future__ import annotations

from typing import Any

from qfl.core.ports import Backend
from qfl.core.registry import Registry, Row

BACKENDS = Registry(
    "backend",
    {
        "subspace": Row(
            "qfl.backends.subspace:SubspaceBackend",
            "exact, on the states a constraint allows; 40 clients on a laptop",
        ),
        "statevector": Row(
            "qfl.backends.statevector:StatevectorBackend",
            "exact, on all 2^n states; every mixer, penalties",
        ),
        "noise:depolarising": Row(
            "qfl.backends.noise:DepolarisingBackend",
            "an exact backend under the gate-count noise model",
        ),
        "mitigation:readout": Row(
            "qfl.backends.mitigated.readout:ReadoutMitigation",
            "a backend whose wrong readings are undone",
        ),
        "mitigation:post_selection": Row(
            "qfl.backends.mitigated.selection:PostSelection",
            "a backend whose infeasible samples are dropped",
        ),
        "mitigation:zero_noise": Row(
            "qfl.backends.mitigated.extrapolation:ZeroNoise",
            "a backend whose mean costs are extrapolated to zero noise",
        ),
        "aer": Row(
            "qfl.backends.aer:Aer",
            "Qiskit Aer: gates, ideal or noisy; aer:fake_NAME for a real device's snapshot",
            extra="qiskit",
            requires=("qiskit", "qiskit_aer"),
        ),
        "pennylane": Row(
            "qfl.backends.pennylane:PennyLane",
            "any PennyLane device, as pennylane:DEVICE",
            extra="pennylane",
            requires=("pennylane",),
        ),
        "qiskit": Row(
            "qfl.backends.qiskit:QiskitDevice",
            "any qiskit BackendV2, as qiskit:MODULE:ATTRIBUTE",
            extra="qiskit",
            requires=("qiskit",),
        ),
        "ibm": Row(
            "qfl.backends.ibm:Ibm",
            "a machine of IBM's cloud, as ibm:NAME; needs an account",
            extra="ibm",
            requires=("qiskit", "qiskit_aer", "qiskit_ibm_runtime"),
        ),
        "recorded": Row(
            "qfl.backends.recorded:Recorded",
            "counts that were measured before, as recorded:FOLDER",
        ),
    },
)


TARGETS = {
    "pennylane": "device",
    "aer": "snapshot",
    "qiskit": "device",
    "ibm": "device",
    "recorded": "path",
}
"""Rows that take a target after a colon, and the option that it is."""

QUEUED = frozenset({"ibm"})
"""Rows whose machines have a queue and a price: studies reach them through their ledger."""


def get_backend(name: str, **options: Any) -> Backend:
    """Return the backend `name`, configured.

    Args:
        name: a row of BACKENDS, or "row:target" for those in TARGETS, such as
            "pennylane:lightning.qubit" or "aer:fake_boston".
        options: fields of the backend's class.

    Raises:
        UnknownNameError: no such backend.
        ConfigError: no such option, or one is missing.
        MissingExtraError: an optional dependency is not installed.

    >>> get_backend("subspace", precision="single")
    SubspaceBackend(precision='single', device='cpu')
    """
    row, _, target = name.partition(":")
    if target and row in TARGETS:
        name, options = row, {TARGETS[row]: target, **options}
    backend: Backend = BACKENDS.configure(name, options)
    return backend
