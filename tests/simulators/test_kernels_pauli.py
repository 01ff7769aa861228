"""The kernel of noisy circuits walks in pieces and gives the same."""

import numpy as np

from qfl.simulators.pauli import Pair, readings
from tests.simulators.noisy_circuits import noisy_circuit


def test_a_stretch_longer_than_the_room_of_the_kernel():
    """Seven qubits: the kernel walks in pieces."""
    steps, after, _ = noisy_circuit(3, 3, 6)
    wide = np.tile(np.eye(4), (7, 1, 1))
    wide[[4, 5, 6]] = after
    moved = [
        Pair((each.qubits[0] + 4, each.qubits[1] + 4), each.before, each.sources, each.weights)
        for each in steps
    ]
    found = readings(7, moved, wide, [4, 5, 6])
    np.testing.assert_allclose(found, readings(3, steps, after, range(3)), atol=1e-13)
