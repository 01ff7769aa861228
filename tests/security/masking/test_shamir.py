from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError, SecurityError
from qfl.security.keys import Secret
from qfl.security.masking.shamir import (
    PRIME,
    evaluate_polynomial,
    interpolation_weights,
    join_shares,
    split_secret,
)

MERSENNE_61 = 2**61 - 1


@pytest.mark.golden
def test_shares_of_a_known_polynomial():
    """Modulo 2^61 - 1, at 1 to 5; any three interpolate to the constant term."""
    polynomial = [123456789, 987654321, 555555555]
    shares = evaluate_polynomial(polynomial, range(1, 6), prime=MERSENNE_61)
    assert shares == [1666666665, 4320987651, 8086419747, 12962962953, 18950617269]
    for points in combinations(range(1, 6), 3):
        weights = interpolation_weights(points, prime=MERSENNE_61)
        found = sum(w * shares[x - 1] for w, x in zip(weights, points, strict=True))
        assert found % MERSENNE_61 == 123456789


@given(material=st.binary(min_size=1, max_size=70), data=st.data())
@pytest.mark.property
def test_any_threshold_of_shares_joins(material, data):
    shares = data.draw(st.integers(1, 7))
    threshold = data.draw(st.integers(1, shares))
    parts = split_secret(Secret(material), threshold=threshold, shares=shares)
    chosen = data.draw(st.permutations(range(shares)))[:threshold]
    joined = join_shares({i + 1: parts[i] for i in chosen}, length=len(material))
    assert joined == Secret(material)


def test_one_share_less_fits_every_secret():
    """Two shares of a threshold of three: for each candidate secret one polynomial exists."""
    field = 13
    shares = evaluate_polynomial([5, 7, 11], [1, 2], prime=field)
    fitting = [
        sum(
            evaluate_polynomial([secret, a, b], [1, 2], prime=field) == shares
            for a in range(field)
            for b in range(field)
        )
        for secret in range(field)
    ]
    assert fitting == [1] * field


def test_too_few_or_changed_shares_do_not_give_the_secret():
    secret = Secret(bytes(range(32)))
    parts = split_secret(secret, threshold=3, shares=5)
    with pytest.raises(SecurityError, match="belong together"):
        join_shares({1: parts[0], 2: parts[1]}, length=32)
    with pytest.raises(SecurityError, match="too long"):
        join_shares({1: parts[0], 2: parts[1], 3: Secret(bytes(3))}, length=32)


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="threshold"):
        split_secret(Secret(b"x"), threshold=3, shares=2)
    with pytest.raises(ConfigError, match="empty"):
        split_secret(Secret(b""), threshold=1, shares=2)
    for points in ([1, 1], [0, 1], [1, PRIME]):
        with pytest.raises(ConfigError, match="distinct"):
            interpolation_weights(points)
