"""Cascade against the public reference data of cascade-cpp (commit 8240cab, MIT licence).

Mean efficiency f over 10,000 runs of 10^4 bits. See also Martinez-Mateo et al., arXiv:1407.3257.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.qkd.cascade import VARIANTS, block_sizes, reconcile

REFERENCE = {
    0.005: (1.1339, 1.1294, 1.1229, 1.1408, 1.1413, 1.1724, 1.1564),
    0.01: (1.1430, 1.1009, 1.0953, 1.1112, 1.1115, 1.1217, 1.1598),
    0.03: (1.1736, 1.0865, 1.0780, 1.0908, 1.0905, 1.1515, 1.1410),
    0.05: (1.1846, 1.0934, 1.0767, 1.1059, 1.1059, 1.1135, 1.1099),
    0.1095: (1.2420, 1.1145, 1.0954, 1.1291, 1.1290, 1.1537, 1.2667),
}
"""QBER -> f of every variant, in the order of VARIANTS."""
FRAME_ERRORS = {0.005: 1.4e-3, 0.01: 3e-4}
"""QBER -> frame error rate of the original, 0 where it is not listed."""


def keys(n: int, errors: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    alice = rng.integers(0, 2, n, dtype=np.uint8)
    bob = alice.copy()
    bob[rng.permutation(n)[:errors]] ^= 1
    return alice, bob


def sample(variant: str, qber: float, *, runs: int, n: int = 10_000):
    """Return f, exchanges and whether the keys differ, for every run."""
    rng, found = np.random.default_rng(11), []
    for _ in range(runs):
        alice, bob = keys(n, round(qber * n), rng)
        result = reconcile(alice, bob, qber=qber, rng=rng, variant=variant)
        differ = bool((result.bits != alice).any())
        found.append((result.efficiency(qber), result.exchanges, differ))
    return np.array(found).T


def agree(f: np.ndarray, published: float) -> bool:
    """Whether a mean lies within three standard errors and half a percent."""
    return abs(f.mean() - published) < 3 * f.std() / len(f) ** 0.5 + 0.005 * published


@pytest.mark.golden
@pytest.mark.parametrize("qber", [0.005, 0.01, 0.03])
def test_the_original_over_200_keys(qber):
    """Frame errors too are within three standard errors and half a percent."""
    f, exchanges, differ = sample("original", qber, runs=200)
    assert agree(f, REFERENCE[qber][0])
    rate = FRAME_ERRORS.get(qber, 0.0)
    assert abs(differ.mean() - rate) <= 3 * (rate / 200) ** 0.5 + 0.005
    assert 43 < exchanges.mean() < 48  # published: 44, 45 and 44 messages


@pytest.mark.golden
@pytest.mark.parametrize("variant", list(VARIANTS)[1:])
def test_the_other_variants_over_40_keys(variant):
    column = list(VARIANTS).index(variant)
    f, _, _ = sample(variant, 0.01, runs=40)
    assert agree(f, REFERENCE[0.01][column])


@pytest.mark.golden
@pytest.mark.parametrize("qber", [0.05, 0.1095])
@pytest.mark.parametrize("variant", ["original", "opt3"])
def test_more_errors_over_40_keys(variant, qber):
    f, _, differ = sample(variant, qber, runs=40)
    assert agree(f, REFERENCE[qber][list(VARIANTS).index(variant)])
    assert not differ.any()


@pytest.mark.golden
def test_short_keys_keep_errors():
    """Published: 11 % of 1000-bit keys at 0.5 %, with f = 1.102; four standard errors."""
    f, _, differ = sample("original", 0.005, runs=500, n=1000)
    assert agree(f, 1.102)
    assert abs(differ.mean() - 0.11) < 4 * (0.11 * 0.89 / 500) ** 0.5


@pytest.mark.golden
@pytest.mark.parametrize(
    ("qber", "first"), [(0.03, (25, 31, 27, 34, 34, 64, 32)), (0.11, (7, 9, 8, 10, 10, 16, 8))]
)
def test_first_blocks(qber, first):
    assert tuple(block_sizes(10_000, qber=qber, variant=v)[0] for v in VARIANTS) == first


def test_later_blocks():
    assert block_sizes(10_000, qber=0.03, variant="biconf") == [31, 93]
    assert block_sizes(10_000, qber=0.03, variant="yanetal") == [27, 135] + 8 * [5000]
    assert block_sizes(10_000, qber=0.03, variant="opt7") == [64, 256] + 12 * [5000]
    assert block_sizes(10_000, qber=0.03, variant="opt8") == [32, 512, 4096] + 11 * [5000]
    assert block_sizes(999, qber=1e-6, variant="opt8") == 3 * [999] + 11 * [500]


@given(
    n=st.integers(2, 300),
    share=st.floats(0, 0.5),
    estimate=st.floats(0.005, 0.5),
    variant=st.sampled_from(sorted(VARIANTS)),
    seed=st.integers(0, 2**32 - 1),
)
@pytest.mark.property
def test_never_makes_things_worse_and_leaves_even_blocks(n, share, estimate, variant, seed):
    """Whatever the estimate: every block of every pass ends with an even number of errors."""
    rng = np.random.default_rng(seed)
    alice, bob = keys(n, round(share * n), rng)
    result = reconcile(alice, bob, qber=estimate, rng=rng, variant=variant)
    assert set(np.unique(result.bits)) <= {0, 1}
    assert int((result.bits ^ alice).sum()) % 2 == 0
    sizes = block_sizes(n, qber=estimate, variant=variant)
    assert result.disclosed_bits >= sum(-(-n // size) for size in sizes)
    first = np.add.reduceat(result.bits ^ alice, np.arange(0, n, sizes[0]))
    assert VARIANTS[variant].confirm or (first % 2 == 0).all()


def test_equal_keys_cost_the_block_parities_alone():
    rng = np.random.default_rng(3)
    alice, _ = keys(1000, 0, rng)
    result = reconcile(alice, alice, qber=0.073, rng=rng, variant="original")
    assert result.corrected_bits == 0
    assert result.disclosed_bits == 100 + 50 + 25 + 13
    checked = reconcile(alice, alice, qber=0.092, rng=rng, variant="biconf")
    assert checked.disclosed_bits == 100 + 34 + 10 * 2


def test_every_exchange_carries_one_question_of_every_search():
    """Two errors far apart: six levels down, side by side, in six exchanges of two parities."""
    rng = np.random.default_rng(3)
    alice, _ = keys(1024, 0, rng)
    bob = alice.copy()
    bob[[5, 700]] ^= 1
    result = reconcile(alice, bob, qber=0.73 / 64, rng=rng, variant="original")
    assert (result.bits == alice).all()
    assert result.disclosed_bits == 16 + 8 + 4 + 2 + 2 * 6
    assert result.exchanges == 4 + 6


def test_one_error_costs_one_search():
    rng = np.random.default_rng(3)
    alice, bob = keys(1024, 1, rng)
    result = reconcile(alice, bob, qber=0.73 / 64, rng=rng, variant="original")
    assert result.disclosed_bits == 16 + 8 + 4 + 2 + 6


def test_bad_plans_are_refused():
    with pytest.raises(UnknownNameError, match="original"):
        block_sizes(100, qber=0.03, variant="orginal")
    with pytest.raises(ConfigError, match="QBER"):
        block_sizes(100, qber=0.0)
    with pytest.raises(ConfigError, match="efficiency at a QBER of 0"):
        reconcile(
            *keys(10, 0, np.random.default_rng(0)), qber=0.1, rng=np.random.default_rng(0)
        ).efficiency(0)
