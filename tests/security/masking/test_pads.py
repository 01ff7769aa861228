"""Designs hide against everyone they promise to, at the proven key optimum."""

from itertools import combinations

import numpy as np
import pytest

from qfl.core.errors import CapacityError, ConfigError
from qfl.security.masking import coded_pads, key_bound, pairwise_pads, path_pads
from qfl.security.masking.pads import hides

SIZES = [(2, 0), (3, 0), (4, 1), (5, 0), (5, 2), (6, 3), (8, 2), (10, 4), (9, 7)]


@pytest.mark.parametrize(("users", "tolerated"), SIZES)
def test_coded_pads_meet_the_bound_and_hide(users, tolerated):
    """L symbols per block cost C(K,2) s pair symbols: exactly the bound of Zhao and Sun."""
    pads = coded_pads(users, tolerated=tolerated, modulus_bits=20)
    assert pads.pair_symbols(pads.block) / pads.block == pytest.approx(
        key_bound(users, colluders=tolerated).per_pair, abs=1e-12
    )
    for size in range(tolerated + 1):
        assert all(hides(pads, frozenset(e)) for e in combinations(range(users), size))
    assert not any(hides(pads, frozenset(e)) for e in combinations(range(users), tolerated + 1))


@pytest.mark.parametrize("users", range(2, 12))
def test_path_pads_meet_the_bound_and_hide(users):
    pads = path_pads(users, modulus_bits=20)
    assert pads.pair_symbols(pads.block) / pads.block == pytest.approx(
        key_bound(users).per_pair, abs=1e-12
    )
    assert hides(pads, frozenset())
    assert users == 2 or not hides(pads, frozenset([0]))


@pytest.mark.parametrize("users", [3, 6])
def test_pairwise_pads_hide_from_all_but_two(users):
    pads = pairwise_pads(users, modulus_bits=20)
    assert hides(pads, frozenset(range(users - 2)))
    assert not hides(pads, frozenset(range(users - 1)))
    assert pads.pair_symbols(77) == 77


def test_masks_of_three_users_are_uniform_on_rows_of_sum_zero():
    """Every key of a small design, exhaustively: each row of masks with sum 0 occurs once."""
    pads = path_pads(3, modulus_bits=1)
    assert (pads.block, pads.pair_symbols(3)) == (3, 2)
    seen = set()
    for word in range(2**6):
        keys = {
            pair: np.array([word >> 2 * i & 1, word >> 2 * i + 1 & 1])
            for i, pair in enumerate(pads.pairs)
        }
        masks = np.zeros((3, 3), np.int64)
        for (i, j), key in keys.items():
            part = pads.part((i, j), key, length=3)
            masks[i] += part
            masks[j] -= part
        assert not (masks.sum(axis=0) % 2).any()
        seen.add((masks % 2).tobytes())
    assert len(seen) == 2**6


def test_nonsense_is_refused():
    for users, tolerated, bits in ((1, 0, 8), (4, 3, 8), (4, -1, 8), (4, 0, 31)):
        with pytest.raises(ConfigError):
            coded_pads(users, tolerated=tolerated, modulus_bits=bits)
    with pytest.raises(CapacityError, match="choices"):
        coded_pads(30, tolerated=15, modulus_bits=20)
    with pytest.raises(CapacityError, match="more bits"):
        coded_pads(12, tolerated=6, modulus_bits=1)
