"""One gate at any angle: ours by its exponential, the frameworks' by their own matrices."""

import numpy as np
import pytest

from tests.testing.known_answers.computing import expm, got


@pytest.mark.parametrize("beta", [-2.1, 0.0, 0.37, 4.0])
def test_the_exchange_of_two_qubits_is_one_gate_in_every_framework(beta):
    pennylane = pytest.importorskip("pennylane")
    library = pytest.importorskip("qiskit.circuit.library")
    hop = np.zeros((4, 4))
    hop[1, 2] = hop[2, 1] = 1.0
    exact = expm(hop, beta)
    found = got("xy_gate", beta=beta)
    assert found["diag_re"] == pytest.approx(exact[1, 1].real, abs=1e-12)
    assert found["offdiag_im"] == pytest.approx(exact[1, 2].imag, abs=1e-12)
    theirs = library.XXPlusYYGate(found["qiskit_XXPlusYY_theta"]).to_matrix()
    np.testing.assert_allclose(theirs, exact, atol=1e-12)
    other = pennylane.IsingXY(found["pennylane_IsingXY_phi"], wires=[0, 1]).matrix()
    np.testing.assert_allclose(other, exact, atol=1e-12)
