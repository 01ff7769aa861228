"""The variational circuit: its parameters, its order, and what re-uploading adds."""

import pytest

from circuits.vqc import circuit


@pytest.mark.parametrize(("qubits", "layers"), [(1, 1), (2, 3), (5, 2)])
def test_the_inputs_come_before_two_weights_per_qubit_and_layer(qubits, layers):
    spec = circuit(qubits, layers)
    assert spec.parameters[:qubits] == tuple(f"x_{k}" for k in range(qubits))
    assert len(spec.parameters) == qubits + 2 * qubits * layers
    assert {gate.parameter for gate in spec.gates if gate.parameter} == set(spec.parameters)


def test_reuploading_encodes_before_every_layer():
    once, again = circuit(3, 4), circuit(3, 4, reupload=True)
    assert once.parameters == again.parameters
    assert len(again.gates) - len(once.gates) == 3 * 3
