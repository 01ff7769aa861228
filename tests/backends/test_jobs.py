from dataclasses import replace

import numpy as np
import pytest
from instances import k_of_n, ramp

from qfl.backends.jobs import read, request_id, written
from qfl.core.counts import Counts


def test_counts_survive_as_text():
    counts = Counts.of(np.random.default_rng(0).integers(0, 2, (50, 4)))
    again = read(written(counts))
    np.testing.assert_array_equal(again.samples(), counts.samples())


def test_variable_0_is_the_first_character():
    assert written(Counts.of([[1, 0, 0]])) == {"100": 1}


def test_a_request_is_what_was_asked_and_nothing_else():
    ansatz = k_of_n(4, 2, "xy_ring", 2)
    asked = request_id(ansatz, ramp(2), 100)
    assert asked == request_id(replace(ansatz), ramp(2) + 1e-13, 100)  # another machine's rounding
    assert asked != request_id(ansatz, ramp(2), 101)
    assert asked != request_id(ansatz, ramp(2) + 1e-6, 100)
    assert asked != request_id(k_of_n(4, 2, "xy_parity_ring", 2), ramp(2), 100)
    assert asked != request_id(replace(ansatz, constant=1.0), ramp(2), 100)


def test_pairs_in_another_order_are_another_question_either_way_round():
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    pairs = ((2, 3), (0, 1), (3, 0), (1, 2))
    turned = replace(ansatz, order=pairs)
    asked = request_id(turned, ramp(1), 10)
    assert asked != request_id(ansatz, ramp(1), 10)
    assert asked != request_id(replace(ansatz, order=pairs[::-1]), ramp(1), 10)
    flipped = tuple((b, a) for a, b in pairs)
    assert asked == request_id(replace(ansatz, order=flipped), ramp(1), 10)


@pytest.mark.parametrize("initial", [np.eye(6)[0], np.eye(6)[1]])
def test_a_warm_start_counts(initial):
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    warm = replace(ansatz, initial=initial.astype(complex))
    assert request_id(warm, ramp(1), 10) != request_id(ansatz, ramp(1), 10)
