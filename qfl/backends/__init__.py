"""Where circuits run: the table of backends. Frameworks are imported in their own file only."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from qfl.core.errors import ConfigError, QflError
from qfl.core.ports import Backend
from qfl.core.registry import Registry, Row, load

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
        "levels": Row(
            "qfl.backends.levels:LevelsBackend",
            "exact, by distinct costs under the Grover mixer; any n if few costs differ",
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
        "braket": Row(
            "qfl.backends.braket:Braket",
            "Amazon Braket: braket:local, or braket:ARN of a machine; that needs an account",
            extra="braket",
            requires=("braket.aws",),
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
    "braket": "device",
    "recorded": "path",
}
"""Rows that take a target after a colon, and the option that it is."""

WRAPPERS = frozenset(
    {
        "noise:depolarising",
        "mitigation:readout",
        "mitigation:post_selection",
        "mitigation:zero_noise",
    }
)
"""Rows that wrap the backend of their options `backend` and `backend_options`."""

_QUEUED = frozenset({"ibm", "braket"})
_AT_ONCE = frozenset({"braket:local"})
_HERE = {
    "qiskit": ("qiskit_aer", "qiskit.providers.", "qiskit_ibm_runtime.fake_provider"),
    "pennylane": ("default.", "lightning.", "reference."),
}
"""Beginnings of targets that are known to run on this machine, for rows that open any object; of
qiskit's, `provider.runs_here` knows more."""

_CIRCUITS_PER_JOB = {"braket": 1, "ibm": 300}
_EXECUTIONS_PER_JOB = {"ibm": 5_000_000}
"""Limits of the vendors: IBM's are in a device's configuration and in its guide to job limits."""


def has_queue(name: str, options: Mapping[str, Any]) -> bool:
    """Return True for a machine with a queue and a price; studies reach it through their ledger.

    A `qiskit:` device is one unless it is known to run here, or its option `untracked` says so.

    >>> has_queue("ibm:ibm_boston", {}), has_queue("aer:fake_boston", {})
    (True, False)
    >>> has_queue("qiskit:qiskit_ionq:forte", {}), has_queue("qiskit:qiskit_aer:AerSimulator", {})
    (True, False)
    """
    row, target = _target(name, options)
    if row == "qiskit" and isinstance(target, str):
        return bool(target) and not options.get("untracked") and not _runs_here(row, target)
    return row in _QUEUED and f"{row}:{target}" not in _AT_ONCE


def may_charge(name: str, options: Mapping[str, Any]) -> bool:
    """Return True for a place that is not known to be free.

    That is a machine with a queue, a `qiskit:` or `pennylane:` device that may be a provider's, and
    a backend of another distribution.

    >>> may_charge("qiskit:qiskit_aer:AerSimulator", {}), may_charge("qiskit:qiskit_ionq:forte", {})
    (False, True)
    """
    row, target = _target(name, options)
    if row in _HERE:
        return bool(target) and not _runs_here(row, target)
    if row and row not in BACKENDS.rows and name not in BACKENDS.rows:
        return True
    return has_queue(name, options)


def _runs_here(row: str, target: Any) -> bool:
    """Return True for a target, of a row that opens any object, that is known to run here."""
    if str(target).startswith(_HERE[row]):
        return True
    if row != "qiskit" or not isinstance(target, str) or not BACKENDS.row(row).installed:
        return False
    try:
        return bool(load("qfl.backends.provider:runs_here")(target))
    except QflError:  # whoever compiles there will hear why
        return False


def _target(name: str, options: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the row of a backend and what its target is, "" for none."""
    row, _, target = name.partition(":")
    return row, target or options.get(TARGETS.get(row, ""), "")


def circuits_per_job(name: str, options: Mapping[str, Any], shots: int) -> int:
    """Return how many circuits of `shots` each may travel in one job, at least 1.

    >>> [circuits_per_job("ibm:ibm_boston", {}, shots) for shots in (1024, 100_000)]
    [300, 50]
    """
    row, target = _target(name, options)
    most = _EXECUTIONS_PER_JOB.get(row, sys.maxsize) // max(1, shots)
    own: int | None = _CIRCUITS_PER_JOB.get(row)
    if row == "qiskit":
        with suppress(QflError):  # whoever compiles there will hear why
            own = load("qfl.backends.provider:most_circuits")(target)
    return max(1, most if own is None else min(most, own))


def innermost(name: str, options: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the backend behind all wrappers, its target in its name, and its other options.

    >>> innermost("mitigation:readout", {"backend": "ibm", "backend_options": {"device": "x"}})
    ('ibm:x', {})
    """
    while name in WRAPPERS:
        name, options = options.get("backend", "subspace"), options.get("backend_options", {})
    key = TARGETS.get(name, "")
    if options.get(key):
        return f"{name}:{options[key]}", {k: v for k, v in options.items() if k != key}
    return name, options


def get_backend(name: str | Backend, **options: Any) -> Backend:
    """Return the backend `name`, configured.

    Args:
        name: a row of BACKENDS, or "row:target" for those in TARGETS, such as
            "pennylane:lightning.qubit" or "aer:fake_boston". A backend is returned as it is.
        options: fields of the backend's class.

    Raises:
        UnknownNameError: no such backend.
        ConfigError: no such option, or one is missing; options for a backend as it is; neither a
            name nor a backend.
        MissingExtraError: an optional dependency is not installed.

    >>> get_backend("subspace", precision="single")
    SubspaceBackend(precision='single', device='cpu')
    """
    if not isinstance(name, str):
        if not callable(getattr(name, "compile", None)):
            raise ConfigError(
                f"a backend is a name such as 'subspace', or an object that compiles, got {name!r}"
            )
        if options:
            raise ConfigError(
                f"{name!r} is configured already, got options {', '.join(sorted(options))}; "
                "configure it when you make it, or give its name"
            )
        return name
    row, _, target = name.partition(":")
    if target and row in TARGETS:
        name, options = row, {TARGETS[row]: target, **options}
    backend: Backend = BACKENDS.configure(name, options)
    return backend
