"""The states that a constraint allows: the same numbers as all states, and no state outside."""

from math import comb

import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.subspace import SubspaceBackend
from qfl.core.errors import BackendError, CapacityError

ANGLES = np.array([[0.4, 0.7], [-0.5, -0.2]])


def ansatz(mixer="xy_complete", n=5, k=2):
    rng = np.random.default_rng(n)
    blocks = ((tuple(range(n)), k),) if k is not None else ()
    quadratic = np.triu(rng.normal(size=(n, n)), 1)
    return QaoaAnsatz(0.3, rng.normal(size=n), quadratic, mixer, depth=2, blocks=blocks)


@pytest.mark.parametrize("mixer", SubspaceBackend().capabilities.mixers)
def test_values_and_gradients_are_those_of_all_states(mixer):
    few, all_ = (get_backend(name).compile(ansatz(mixer)) for name in ("subspace", "statevector"))
    value, gradient = few.value_and_gradient(ANGLES)
    other, slopes = all_.value_and_gradient(ANGLES)
    assert value == pytest.approx(other, abs=1e-12)
    np.testing.assert_allclose(gradient, slopes, atol=1e-11)


def test_only_allowed_states_are_listed_and_each_of_them():
    states, probabilities = SubspaceBackend().compile(ansatz()).distribution(ANGLES)
    assert len(states) == comb(5, 2)
    assert set(states.sum(1)) == {2}
    assert probabilities.sum() == pytest.approx(1.0)


def test_what_leaves_the_blocks_or_the_memory_is_refused():
    with pytest.raises(BackendError):
        SubspaceBackend().check_size(ansatz("x", k=None))
    with pytest.raises(BackendError):
        SubspaceBackend().check_size(ansatz("grover", k=None))
    with pytest.raises(CapacityError):
        SubspaceBackend().check_size(ansatz(n=60, k=30))
