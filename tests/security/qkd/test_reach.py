"""Every protocol over the same fibre, at every distance beneath what no protocol can exceed."""

import numpy as np
import pytest

from qfl.security.qkd.bounds import repeaterless_bound
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.reach import BOUND, PROTOCOLS, padded_rate, rates


def test_every_rate_is_beneath_the_repeaterless_bound_and_falls():
    before = None
    for km in np.linspace(0.5, 500, 60):
        found = rates(FibreLink(length_km=float(km)))
        bound = repeaterless_bound(10 ** (-0.02 * km))
        assert found[BOUND] == pytest.approx(bound, rel=1e-12)
        assert set(found) == {BOUND, *PROTOCOLS}
        assert all(0 <= found[name] < bound for name in PROTOCOLS)
        if before is not None:
            assert all(found[name] <= before[name] for name in found)
        before = found


def test_finite_blocks_pay_and_decoys_reach_farther():
    found = rates(FibreLink(length_km=60))
    asymptotic = found["BB84, infinite decoys"]
    assert found["BB84, two decoys"] < asymptotic
    assert found["BB84, no decoys"] < asymptotic / 10
    assert found["E91, CHSH"] < found["BBM92, pairs"]


def test_what_can_be_padded_ends_with_the_reach():
    assert padded_rate(FibreLink(length_km=10)) > 1e6
    assert padded_rate(FibreLink(length_km=400)) == 0
