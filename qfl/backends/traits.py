"""What a study should know about a backend before it names it. No framework is loaded here."""

from __future__ import annotations

from dataclasses import dataclass

from circuits.qaoa import MIXERS
from qfl.backends.gates import NATIVE_MIXERS
from qfl.core.registry import load

_KEPT = tuple(mixer for mixer in MIXERS if mixer != "x")


@dataclass(frozen=True, slots=True)
class Traits:
    """One way to name a row of BACKENDS.

    Attributes:
        name: as studies write it; capitals stand for a target.
        row: of the table.
        qubits: how many it runs; "capacity:NAME" for what a function of `capacity` finds out.
        mixers: those that run natively: exactly, without Trotter steps of another mixer. Empty
            for backends that run what they wrap or hold.
        account: whose account it needs, "" for none.
        installed_with: row whose extra it needs, "" for its own.
    """

    name: str
    row: str
    qubits: str
    mixers: tuple[str, ...] = ()
    account: str = ""
    installed_with: str = ""


TRAITS = (
    Traits("subspace", "subspace", "capacity:subspace", _KEPT),
    Traits("statevector", "statevector", "capacity:statevector", MIXERS),
    Traits("levels", "levels", "any, if few costs differ", ("grover",)),
    Traits("pennylane:DEVICE", "pennylane", "capacity:pennylane", NATIVE_MIXERS),
    Traits("aer", "aer", "capacity:aer", NATIVE_MIXERS),
    Traits("aer:fake_NAME", "aer", "capacity:snapshots", NATIVE_MIXERS, "", "ibm"),
    Traits("qiskit:MODULE:OBJECT", "qiskit", "the device's", NATIVE_MIXERS, "its provider's"),
    Traits("ibm:NAME", "ibm", "capacity:ibm", NATIVE_MIXERS, "IBM Quantum"),
    Traits("braket:local", "braket", "26 (memory)", NATIVE_MIXERS),
    Traits("braket:ARN", "braket", "the machine's", NATIVE_MIXERS, "Amazon Web Services"),
    Traits("recorded:FOLDER", "recorded", "as recorded"),
    Traits("noise:depolarising", "noise:depolarising", "as what it wraps"),
    Traits(
        "noise:depolarising, snapshot = fake_NAME",
        "noise:depolarising",
        "as what it wraps, and the device's",
        installed_with="ibm",
    ),
    Traits("mitigation:readout", "mitigation:readout", "capacity:readout"),
    Traits("mitigation:post_selection", "mitigation:post_selection", "as what it wraps"),
    Traits("mitigation:zero_noise", "mitigation:zero_noise", "as what it wraps"),
)
"""Every row at least once, in the order of the list."""


def qubits(each: Traits) -> str:
    """Return how many qubits a backend runs, on this machine where its memory decides.

    >>> qubits(Traits("recorded:FOLDER", "recorded", "as recorded"))
    'as recorded'
    """
    module, _, function = each.qubits.partition(":")
    return str(load(f"qfl.backends.{module}:{function}")()) if function else each.qubits


def mixers(name: str) -> tuple[str, ...]:
    """Return the mixers that a row or "row:target" runs; empty if what it wraps or holds decides.

    >>> "x" in mixers("subspace"), "x" in mixers("aer:fake_manila"), mixers("recorded:folder")
    (False, True, ())
    """
    rows = (name, name.partition(":")[0])
    return next((each.mixers for each in TRAITS if each.row in rows), ())
