"""What a study should know about a backend before it names it. No framework is loaded here.

Numbers of qubits that memory limits are for 16 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

from circuits.qaoa import MIXERS
from qfl.backends.gates import NATIVE_MIXERS

_KEPT = tuple(mixer for mixer in MIXERS if mixer != "x")


@dataclass(frozen=True, slots=True)
class Traits:
    """One way to name a row of BACKENDS.

    Attributes:
        name: as studies write it; capitals stand for a target.
        row: of the table.
        qubits: how many it runs.
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
    Traits("subspace", "subspace", "40 choosing 5 (memory: feasible states)", _KEPT),
    Traits("statevector", "statevector", "27 (memory)", MIXERS),
    Traits("levels", "levels", "any, if few costs differ", ("grover",)),
    Traits("pennylane:DEVICE", "pennylane", "28 (memory); 14 as default.mixed", NATIVE_MIXERS),
    Traits(
        "aer", "aer", "30 (memory); 15 as density_matrix, 63 as matrix_product_state", NATIVE_MIXERS
    ),
    Traits("aer:fake_NAME", "aer", "the device's, 15 at most (memory)", NATIVE_MIXERS, "", "ibm"),
    Traits("qiskit:MODULE:OBJECT", "qiskit", "the device's", NATIVE_MIXERS),
    Traits("ibm:NAME", "ibm", "the machine's, 120 to 156", NATIVE_MIXERS, "IBM Quantum"),
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
    Traits("mitigation:readout", "mitigation:readout", "16, any by mthree; as what it wraps"),
    Traits("mitigation:post_selection", "mitigation:post_selection", "as what it wraps"),
    Traits("mitigation:zero_noise", "mitigation:zero_noise", "as what it wraps"),
)
"""Every row at least once, in the order of the list."""


def mixers(name: str) -> tuple[str, ...]:
    """Return the mixers that a row or "row:target" runs; empty if what it wraps or holds decides.

    >>> "x" in mixers("subspace"), "x" in mixers("aer:fake_manila"), mixers("recorded:folder")
    (False, True, ())
    """
    rows = (name, name.partition(":")[0])
    return next((each.mixers for each in TRAITS if each.row in rows), ())
