import numpy as np
import pytest

from circuits.controlled_phase import phase_on_ones
from circuits.spec import CircuitSpec


@pytest.mark.parametrize("m", range(1, 10))
def test_only_the_all_ones_state_turns(m, oracle):
    gates = phase_on_ones(range(m), angle=0.4, factor=-3.0, parameter="beta")
    spec = CircuitSpec(m, gates, ("beta",)).bind([0.9])
    wanted = np.ones(2**m, complex)
    wanted[-1] = np.exp(1j * (0.4 - 3.0 * 0.9))
    assert oracle.distance(oracle.apply(spec, np.ones(2**m)), wanted) < 1e-12


def test_two_qubit_gates_grow_with_the_square():
    def used(m):
        return CircuitSpec(m, phase_on_ones(range(m), angle=1.0)).resources()

    assert [used(m).two_qubit_gates for m in (1, 2, 3, 6, 7)] == [0, 2, 6, 62, 122]
    for m in (8, 16, 32):
        assert used(m).two_qubit_gates <= 4 * m * m
        assert used(m).depth <= 20 * m
    assert phase_on_ones((), angle=1.0) == ()
