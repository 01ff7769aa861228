"""What a study should know about a backend before it names it. No framework is loaded here.

Numbers of qubits that memory limits are for 16 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

from circuits.qaoa import MIXERS
from qfl.backends.gates import NATIVE_MIXERS

_KEPT = tuple(mixer for mixer in MIXERS if mixer != "x")
_GATES = tuple(mixer for mixer in NATIVE_MIXERS if mixer != "x")


@dataclass(frozen=True, slots=True)
class Traits:
    """One way to name a row of BACKENDS.

    Attributes:
        name: as studies write it; capitals stand for a target.
        row: of the table.
        qubits: how many it runs.
        mixers: those that keep a constraint and run natively: exactly, without Trotter steps of
            another mixer. Empty for backends that run what they wrap or hold.
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
    Traits("statevector", "statevector", "28 (memory)", _KEPT),
    Traits("pennylane:DEVICE", "pennylane", "the device's, about 28 (memory)", _GATES),
    Traits("aer", "aer", "30 (memory); 15 as density_matrix, 63 as matrix_product_state", _GATES),
    Traits("aer:fake_NAME", "aer", "the device's, 15 at most (memory)", _GATES, "", "ibm"),
    Traits("qiskit:MODULE:OBJECT", "qiskit", "the device's", _GATES),
    Traits("ibm:NAME", "ibm", "the machine's, 120 to 156", _GATES, "IBM Quantum"),
    Traits("braket:local", "braket", "26 (memory)", _GATES),
    Traits("braket:ARN", "braket", "the machine's", _GATES, "Amazon Web Services"),
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
