"""The infinite spin glass against published energies and against the plain sum over strings."""

import itertools

import numpy as np
import pytest

from qfl.core.errors import CapacityError
from qfl.solvers.schedules.tables import transfer_angles
from qfl.solvers.spin_glass import spin_glass_energy


@pytest.mark.golden
@pytest.mark.parametrize(
    ("depth", "expected"),
    [(1, 0.303300), (2, 0.407545), (3, 0.472619), (5, 0.547644), (9, 0.620339), (12, 0.648877)],
)
def test_published_angles_give_the_published_energies(depth, expected):
    """Table of arXiv:2110.14206; the printed angles have four digits."""
    gammas, betas = transfer_angles("x", depth)
    assert spin_glass_energy(gammas, betas) == pytest.approx(expected, abs=2e-4)


def plain_sum(gammas, betas):
    """The iteration as printed, over all strings (a_1..a_p, a_0, a_-p..a_-1)."""
    p = len(gammas)
    strings = np.array(list(itertools.product((1, -1), repeat=2 * p + 1)))
    field = np.concatenate([gammas, [0.0], -np.array(gammas)[::-1]])
    turns = np.concatenate([-np.array(betas), np.array(betas)[::-1]])
    equal = strings[:, 1:] == strings[:, :-1]
    walk = 0.5 * np.where(equal, np.cos(turns), 1j * np.sin(turns)).prod(1)
    moments = np.einsum("s,sj,sk->jk", walk, strings, strings)
    for _ in range(p):
        form = np.einsum("sj,jk,sk->s", strings, moments * np.outer(field, field), strings)
        moments = np.einsum("s,sj,sk->jk", walk * np.exp(-0.5 * form), strings, strings)
    return float((0.5j * (field @ moments[p] ** 2)).real)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_layer_by_layer_equals_the_plain_sum(depth):
    rng = np.random.default_rng(depth)
    gammas, betas = rng.uniform(0.1, 0.8, depth), -rng.uniform(0.1, 0.7, depth)
    assert spin_glass_energy(gammas, betas) == pytest.approx(plain_sum(gammas, betas), abs=1e-12)


def test_too_deep_is_refused():
    with pytest.raises(CapacityError, match="at most 18"):
        spin_glass_energy([0.1] * 19, [-0.1] * 19)
