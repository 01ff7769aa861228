"""The fused engine against the gate-by-gate one, values and gradients, alone and under vmap."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import grad, vmap

from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate
from circuits.vqc import circuit
from qfl.core.errors import BackendError
from qfl.simulators.fused import run_fused
from qfl.simulators.statevector import run

NAMES = [*FIXED, *GENERATORS]
PARAMETERS = ("a", "b", "c")


@st.composite
def specs(draw):
    qubits = draw(st.integers(2, 5))
    gates = []
    for _ in range(draw(st.integers(1, 14))):
        name = draw(st.sampled_from(NAMES))
        size = len((FIXED | dict(GENERATORS))[name]).bit_length() - 1
        places = tuple(draw(st.permutations(range(qubits)))[:size])
        if name in FIXED:
            gates.append(Gate(name, places))
        else:
            parameter = draw(st.sampled_from(["", *PARAMETERS]))
            factor = draw(st.floats(-2, 2)) if parameter else 0.0
            gates.append(Gate(name, places, draw(st.floats(-3, 3)), factor, parameter))
    return CircuitSpec(qubits, tuple(gates), PARAMETERS)


def angles(*shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.from_numpy(values)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(spec=specs())
def test_every_circuit_gives_the_states_of_the_oracle(spec):
    values = angles(2, 3, 3)
    torch.testing.assert_close(run_fused(spec, values), run(spec, values))


def test_gradients_are_those_of_the_oracle():
    spec, values = circuit(4, 3, reupload=True), angles(5, 4 + 24)
    gradients = []
    for engine in (run, run_fused):
        own = values.clone().requires_grad_()
        state = engine(spec, own)
        (state.real**3 + state.imag).sum().backward()
        gradients.append(own.grad)
    torch.testing.assert_close(*gradients)


def test_a_client_axis_changes_nothing():
    spec, values = circuit(3, 2), angles(4, 5, 3 + 12)

    def gradient(own):
        return grad(lambda x: run_fused(spec, x).real.pow(3).sum())(own)

    torch.testing.assert_close(
        vmap(gradient)(values), torch.stack([gradient(own) for own in values])
    )


def test_single_precision_stays_single():
    assert run_fused(circuit(3, 1), angles(2, 9).float()).dtype == torch.complex64


@pytest.mark.parametrize("wrong", [angles(4), angles(5).half(), torch.zeros(5, dtype=torch.int64)])
def test_angles_of_the_wrong_kind_are_refused(wrong):
    with pytest.raises(BackendError, match="angles must be"):
        run_fused(circuit(1, 2), wrong)
