"""The FFT evaluation equals y_i = XOR_j seed[n-1+i-j] x_j bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.security.qkd.toeplitz import amplification_distance_log2, toeplitz_hash, verification_bits


def bits(text: str) -> np.ndarray:
    return np.array([int(c) for c in text], np.uint8)


def direct(x: np.ndarray, seed: np.ndarray, m: int) -> np.ndarray:
    n = len(x)
    matrix = np.array([[seed[n - 1 + i - j] for j in range(n)] for i in range(m)], np.int64)
    return (matrix.reshape(m, n) @ x % 2).astype(np.uint8)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("x", "seed", "expected"),
    [
        ("10110101", "10111010011", "1000"),
        ("1100001110101001", "011110101101011000110", "011100"),
    ],
)
def test_definition_by_hand(x, seed, expected):
    result = toeplitz_hash(bits(x), bits(seed), length=len(expected))
    assert result.tolist() == bits(expected).tolist()


@given(n=st.integers(1, 80), m=st.integers(1, 80), seed=st.integers(0, 2**32 - 1))
@pytest.mark.property
def test_fft_equals_direct_product(n, m, seed):
    rng = np.random.default_rng(seed)
    x, r = rng.integers(0, 2, n, dtype=np.uint8), rng.integers(0, 2, n + m - 1, dtype=np.uint8)
    assert (toeplitz_hash(x, r, length=m) == direct(x, r, m)).all()


def test_fft_is_exact_on_a_long_key():
    """All ones give the largest counts, hence the largest rounding; checked by running sums."""
    n, m = 200_000, 1000
    rng = np.random.default_rng(8)
    r = rng.integers(0, 2, n + m - 1, dtype=np.uint8)
    running = np.concatenate([[0], np.cumsum(r, dtype=np.int64)])
    expected = (running[n : n + m] - running[:m]) & 1
    assert (toeplitz_hash(np.ones(n, np.uint8), r, length=m) == expected).all()


def test_rows_are_hashed_alike():
    rng = np.random.default_rng(2)
    x, r = rng.integers(0, 2, (2, 50), dtype=np.uint8), rng.integers(0, 2, 69, dtype=np.uint8)
    both = toeplitz_hash(x, r, length=20)
    assert (both[1] == toeplitz_hash(x[1], r, length=20)).all()


def test_seed_of_wrong_length_is_refused():
    with pytest.raises(ConfigError, match="need 11"):
        toeplitz_hash(bits("10110101"), bits("1011"), length=4)


@pytest.mark.golden
def test_bookkeeping_of_hashing():
    assert [verification_bits(e) for e in (1e-15, 1e-9)] == [50, 30]
    assert amplification_distance_log2(1000, 1100) == pytest.approx(-51.0, abs=1e-12)
