"""Masked and private sums: shares give their secret back, bounds meet where they should."""

import itertools

import pytest

from tests.testing.known_answers.computing import compute, got

PRIME = 2**61 - 1


def at_zero(points):
    """Lagrange's interpolation modulo the prime."""
    total = 0
    for i, value in points.items():
        weight = 1
        for j in points:
            if j != i:
                weight = weight * j * pow(j - i, -1, PRIME) % PRIME
        total += value * weight
    return total % PRIME


def test_any_threshold_of_shares_gives_the_secret_and_fewer_do_not():
    secret = 123456789
    shares = got("shamir", prime="2^61-1", coefficients=[str(secret), "98765", "4321"])
    points = dict(enumerate(map(int, shares), start=1))
    for three in itertools.combinations(points, 3):
        assert at_zero({i: points[i] for i in three}) == secret
    for two in itertools.combinations(points, 2):
        assert at_zero({i: points[i] for i in two}) != secret


@pytest.mark.parametrize("clients", [3, 10, 57])
def test_the_least_key_adds_up_over_pairs_and_users(clients):
    found = got("its_key_bound", K=clients, T=0)
    pairs = clients * (clients - 1) / 2
    assert found["total"] == pytest.approx(pairs * found["per_pair"]) == pytest.approx(clients - 1)
    assert found["per_user"] == pytest.approx((clients - 1) * found["per_pair"])
    assert found["naive_ratio"] == pytest.approx(1 / found["per_pair"])


def test_a_sum_of_rounded_numbers_errs_by_half_a_step_for_each():
    found = got("quantise", clients=7, max_weight=3, levels=256, clip=1.0)
    assert found["step"] == pytest.approx(2.0 / 256)
    assert 2 ** found["modulus_bits"] > 7 * 3 * 256
    assert found["variance_bound"] == pytest.approx(found["step"] ** 2 / 4)


def test_the_prime_is_written_out_or_as_a_power():
    written = got("shamir", prime=str(PRIME), coefficients=["1", "2"])
    assert written == got("shamir", prime="2^61-1", coefficients=["1", "2"])
    assert "prime must read like" in compute("shamir", prime="two", coefficients=["1"])[1]


def test_without_sampling_everybody_takes_part():
    inputs = {"noise_multiplier": 1.0, "steps": 2, "delta": 1e-5, "sampling": "none"}
    assert "without sampling q must be 1" in compute("dp_accounting", **inputs, q=0.5)[1]
