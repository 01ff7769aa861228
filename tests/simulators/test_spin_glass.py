"""The infinite spin glass against the published recursion over all trajectories."""

import itertools

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.simulators.spin_glass import sk_energy


def recursion(angles):
    """Return nu_p by arXiv:2110.14206: G_m as sums over all 2^(2p+1) strings."""
    gammas, betas = angles[0], -angles[1]
    p = len(gammas)
    a = np.array(list(itertools.product([1, -1], repeat=2 * p + 1)))
    gamma = np.concatenate([gammas, [0.0], -gammas[::-1]])
    f = np.full(len(a), 0.5, dtype=complex)
    for r in range(p):
        for one, other, sign in ((r, r + 1, 1j), (2 * p - r, 2 * p - r - 1, -1j)):
            same = a[:, one] == a[:, other]
            f *= np.where(same, np.cos(betas[r]), sign * np.sin(betas[r]))
    g = (a.T * f) @ a
    for _ in range(p):
        pull = np.exp(-0.5 * ((a * gamma) @ g * (a * gamma)).sum(1))
        g = (a.T * (f * pull)) @ a
    return float((0.5j * (gamma * g[p] ** 2).sum()).real)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_values_are_those_of_the_published_recursion(depth):
    angles = 0.6 * Streams(depth)("angles").normal(size=(2, depth))
    assert sk_energy(angles) == pytest.approx(recursion(angles), abs=1e-12)


def test_signs_turn_together():
    angles = np.array([[0.3, 0.6], [-0.5, -0.3]])
    assert sk_energy(-angles) == pytest.approx(sk_energy(angles), abs=1e-13)
    assert sk_energy(angles * [[1], [-1]]) == pytest.approx(-sk_energy(angles), abs=1e-13)


def test_a_small_bond_is_nearly_enough():
    depth = 7
    angles = np.array([np.linspace(0.25, 0.6, depth), np.linspace(-0.6, -0.1, depth)])
    assert sk_energy(angles, bond=48) == pytest.approx(sk_energy(angles), abs=1e-4)


@pytest.mark.parametrize("angles", [[[0.1, 0.2]], [0.1, 0.2], [[], []], [[np.inf], [0.1]]])
def test_bad_angles_are_refused(angles):
    with pytest.raises(ConfigError, match="angles must be finite"):
        sk_energy(angles)
