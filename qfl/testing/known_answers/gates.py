"""Known answers on single gates, in our definition and in the frameworks'."""

from __future__ import annotations

from circuits.lowering.pennylane import to_pennylane
from circuits.lowering.qiskit import to_qiskit
from circuits.mixers import edges, xy_product
from circuits.spec import CircuitSpec, matrix
from qfl.testing.known_answers.inputs import Inputs


def xy_gate(given: Inputs) -> dict[str, float]:
    """Return the entries of exp(-i beta (XX+YY)/2) on |01>, |10>, and the frameworks' angles."""
    gates = xy_product(edges("xy_ring", 2), (0, 1), "beta")
    spec = CircuitSpec(2, gates, ("beta",)).bind([given.number("beta")])
    entries = matrix(spec.gates[0].name, spec.gates[0].angle)
    return {
        "diag_re": float(entries[1, 1].real),
        "offdiag_im": float(entries[1, 2].imag),
        "qiskit_XXPlusYY_theta": float(to_qiskit(spec).data[0].operation.params[0]),
        "pennylane_IsingXY_phi": float(to_pennylane(spec)[0].parameters[0]),
    }
