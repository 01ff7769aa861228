import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.masking.field import largest_prime_below, rank_modulo, residues_from_bits


def test_primes():
    assert [largest_prime_below(n) for n in (3, 4, 5, 8, 100, 2**20, 2**31, 2**32)] == [
        2, 3, 3, 7, 97, 1048573, 2**31 - 1, 4294967291,
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="3 to"):
        largest_prime_below(2)


def test_rank_depends_on_the_prime():
    matrix = np.array([[2, 4], [1, 5]])
    assert [rank_modulo(matrix, p) for p in (2, 3, 5)] == [1, 1, 2]
    big = 2**31 - 1
    square = np.random.default_rng(0).integers(0, big, (30, 30))
    square[7] = (3 * square[2] + square[5]) % big
    assert rank_modulo(square, big) == 29


def test_residues_are_uniform_and_below_the_modulus():
    """60,000 groups of 3 bits, modulus 5: 5 standard errors, false alarm below 1e-5."""
    material = np.random.default_rng(1).bytes(22_500)
    found = residues_from_bits(material, 5)
    counts = np.bincount(found, minlength=5)
    assert len(counts) == 5
    assert np.abs(counts - len(found) / 5).max() < 5 * np.sqrt(len(found) * 0.16)
    assert (residues_from_bits(material, 256) == np.frombuffer(material, np.uint8)).all()
