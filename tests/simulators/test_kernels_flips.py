"""One angle set: groups of qubits, in blocks and in bundles of distant rows."""

import numpy as np

from qfl.simulators import field
from qfl.simulators.kernels_flips import BUNDLE
from tests.simulators.fields import both_ways, instance


def test_states_of_three_groups_of_qubits():
    groups = field._groups(4 * BUNDLE, 2)
    assert groups[:, :2].tolist() == [[1, BUNDLE], [2, BUNDLE], [2, 2 * BUNDLE]]
    steps = field._steps_back(3, len(groups))
    # every layer meets the three groups once, as an end or a beginning, and turns back once
    for layer in range(3):
        assert sorted(step[0] for step in steps for part in (1, 3) if step[part] == layer) == [
            0,
            1,
            2,
        ]
        assert sum(step[2] == layer for step in steps) == 1
    assert len(steps) == 7  # not nine: the last group of a layer is the first of the next


def test_three_groups_of_qubits_give_the_states_and_overlaps_of_numpy(monkeypatch):
    monkeypatch.setattr("qfl.simulators.field.ROWS", 4)
    given = instance(18, 1, 2)
    one, two = both_ways(*given, np.cos(given[1]))
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=1e-12)
