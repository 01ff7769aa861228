"""Distilling, delivering and spending keys at other errors, lengths and rates."""

import numpy as np
import pytest

from qfl.core.rng import Streams
from tests.testing.known_answers.computing import compute, got


def test_cascade_at_other_errors_and_lengths():
    first = got("cascade_k1", Q=0.07)
    assert (first["original"], first["biconf"]) == (11, 14)
    assert (first["opt7"], first["opt8"]) == (16, 16)
    found = got("cascade_f", Q=0.12, n=200)
    assert set(found) == {*first, "original_n1000"}
    assert all(1 < value < 3 for value in found.values())


def test_a_pool_with_fractional_rates():
    found = got("key_pool", S0=0, S_max=100, rate=0.5, dt=10, cost=7, rounds=3)
    assert found == [["exhausted", 5], ["ok", 3], ["ok", 1]]
    halves = got("key_pool", S0=0, S_max=9, rate=0.5, dt=1, cost=1, rounds=3)
    assert halves == [["exhausted", 0.5], ["ok", 0], ["exhausted", 0.5]]
    reason = compute("key_pool", S0=0, S_max=9, rate=1e-7, dt=1, cost=1, rounds=1)
    assert "rate times dt is 1e-07; allowed: not negative, in parts of" in reason[1]


def test_a_pool_counts_in_decimals_and_nothing_may_cost_nothing():
    """In floats .29 x 100 is a little less than 29."""
    found = got("key_pool", S0=0, S_max=100, rate=0.29, dt=100, cost=0, rounds=2)
    assert found == [["ok", 29], ["ok", 58]]


def test_hybrid_keys_of_other_lengths():
    inputs = {"salt": "", "parts": ["0b" * 22], "info_utf8": "i"}
    short, long = (got("hybrid_kdf", **inputs, length=n) for n in (32, 48))
    assert long[:64] == short
    assert len(long) == 96


@pytest.mark.parametrize(
    ("digest", "expected"),
    [("sha1", "0ac1af7002b3d761d1e55298da9d0506"), ("sha256", "8da4e775a563c18f715f802a063c5a31")],
)
def test_vectors_without_salt_and_info(digest, expected):
    """RFC 5869, cases 3 and 6."""
    inputs = {"hash": digest, "salt": "", "ikm": "0b" * 22, "info": "", "length": 16}
    assert got("hkdf", **inputs) == expected


def test_key_pool_does_not_spend_what_it_does_not_have():
    found = got("key_pool", S0=0, S_max=100, rate=3, dt=10, cost=50, rounds=5)
    assert found == [["exhausted", 30], ["ok", 10], ["exhausted", 40], ["ok", 20], ["ok", 0]]


def test_toeplitz_is_the_matrix_product():
    rng = Streams(2)("bits")
    n, m = 19, 7
    x, seed = rng.integers(0, 2, n), rng.integers(0, 2, n + m - 1)
    matrix = np.array([[seed[n - 1 + i - j] for j in range(n)] for i in range(m)])
    text = ["".join(map(str, bits)) for bits in (x, seed, matrix @ x % 2)]
    assert got("toeplitz", n=n, m=m, x=text[0], seed=text[1]) == text[2]
