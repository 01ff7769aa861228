"""Quantum modules against PennyLane, and the controls that stand beside them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from worlds import DIGIT, IMAGE

from circuits.vqc import circuit
from qfl.models.m3t import architecture
from qfl.models.transformer import PROFILES
from qfl.models.vqc import CircuitCore, NarrowAdapter, QuantumGate, make_core

TINY = PROFILES["tiny"]


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def drawn(module, seed=1):
    """The module in double precision, its weights drawn."""
    module = module.double()
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.copy_(draw(*tensor.shape, seed=seed))
    return module


def core_with(qubits, layers, seed=1):
    return drawn(CircuitCore(qubits, layers), seed)


@pytest.mark.parametrize(("qubits", "layers"), [(1, 1), (2, 2), (4, 3)])
def test_values_and_gradients_equal_pennylane(qubits, layers):
    qml = pytest.importorskip("pennylane", reason="needs the extra 'pennylane'")
    from circuits.lowering.pennylane import to_pennylane

    core = core_with(qubits, layers)
    spec = circuit(qubits, layers, reupload=True)

    @qml.qnode(qml.device("default.qubit", wires=qubits), interface="torch", diff_method="backprop")
    def node(values):
        to_pennylane(spec, values)
        return [qml.expval(qml.PauliZ(k)) for k in range(qubits)]

    x = draw(3, qubits, seed=2)
    core(x).square().sum().backward()
    weights = core.angles.detach().clone().requires_grad_()
    values = torch.stack([torch.stack(node(torch.cat([row, weights]))) for row in x])
    values.square().sum().backward()
    torch.testing.assert_close(core(x), values)
    torch.testing.assert_close(core.angles.grad, weights.grad)


def test_one_rotation_of_one_qubit_is_a_cosine():
    core = CircuitCore(1, 1).double()
    with torch.no_grad():
        core.angles.zero_()
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    torch.testing.assert_close(core(x), torch.cos(x))


def test_a_gate_gives_probabilities_of_experts():
    gate = drawn(QuantumGate(8, 4, 2))
    shares = gate(draw(5, 6, 8))
    assert shares.shape == (5, 6, 4)
    torch.testing.assert_close(shares.sum(-1), torch.ones(5, 6, dtype=torch.float64))
    assert shares.detach().std(1).max() > 1e-3


@pytest.mark.parametrize("core", ["quantum", "classical", "random"])
def test_an_adapter_with_up_at_zero_is_the_identity(core):
    adapter = drawn(NarrowAdapter(8, 4, make_core(core, qubits=4, layers=2)))
    torch.nn.init.zeros_(adapter.up.weight)
    torch.nn.init.zeros_(adapter.up.bias)
    assert not adapter(draw(3, 5, 8)).any()


def test_the_classical_control_has_exactly_as_many_parameters():
    sizes = {
        fill: architecture((IMAGE,), (DIGIT,), replace(TINY, head=fill, adapter=fill)).weight_bytes
        for fill in ("quantum", "classical", "random")
    }
    assert sizes["quantum"] == sizes["classical"]
    assert sizes["random"] == sizes["quantum"] - 4 * 2 * (2 * 4 * 2)


def test_the_share_of_quantum_parameters_counts_angles_alone():
    recipe = replace(TINY, head="quantum", adapter="quantum", gate="quantum")
    model = architecture((IMAGE,), (DIGIT,), recipe)
    angles = 2 * (2 * 4 * 2) + 2 * 2 * 2
    assert model.quantum_parameters == angles
    assert architecture((IMAGE,), (DIGIT,), TINY).quantum_parameters == 0


def test_random_features_are_the_same_in_every_run():
    x = draw(4, 3)
    one, two = (make_core("random", qubits=3, layers=1)(x) for _ in range(2))
    assert torch.equal(one, two)
    assert len(np.unique(one.numpy())) == 12


def test_a_core_without_qubits_is_refused():
    with pytest.raises(ValueError, match="needs qubits and layers"):
        circuit(0, 1)
