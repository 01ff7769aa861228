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


@pytest.mark.parametrize("misalignment", [0.07, 0.08, 0.1, 0.13, 0.3, 0.5])
def test_noisy_fibres_have_rates_too(misalignment):
    """Six-state outlives BB84, and in the end nothing does but the bound."""
    found = rates(FibreLink(length_km=10, misalignment=misalignment))
    assert all(0 <= found[name] < found[BOUND] for name in PROTOCOLS)
    assert found["six-state, infinite decoys"] >= found["BB84, infinite decoys"] * 2 / 3
    assert (found["six-state, infinite decoys"] > 0) is (misalignment <= 0.1)


def test_what_can_be_padded_ends_with_the_reach():
    assert padded_rate(FibreLink(length_km=10)) > 1e6
    assert padded_rate(FibreLink(length_km=400)) == 0
