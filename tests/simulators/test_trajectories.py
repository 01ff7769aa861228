"""Trajectory functions as trains: maps undo each other, products are plain sums, cuts are best."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from qfl.simulators.trajectories import (
    Core,
    coupling,
    cut,
    inner,
    opened,
    rotation,
    rounded,
    single,
    total,
    uncoupling,
)

IDENTITY = ((1.0, 0.0), (0.0, 1.0)), ((1.0, 0.0), (0.0, 1.0))


def matrix(sojourn, blip):
    """What the parts I and X of one time stand for, over (a, a')."""
    return np.array([[sojourn, blip], [blip, sojourn]])


@pytest.mark.parametrize("parity", [1.0, -1.0])
@pytest.mark.parametrize("theta", [0.2, 0.7, -1.1])
def test_uncoupling_undoes_coupling(theta, parity):
    core = single(0.3, -0.8, parity=parity)
    again = core.mapped(coupling(theta)).mapped(uncoupling(theta))
    torch.testing.assert_close(again.sojourn, core.sojourn)
    torch.testing.assert_close(again.blip, core.blip)


@pytest.mark.parametrize("theta", [0.2, -1.1])
def test_coupling_is_the_sum_over_the_other_spin_pair(theta):
    """sum_{b, b'} exp(i theta (a b - a' b')) f(b, b') for f = I + X parts."""
    found = single(0.3, -0.8).mapped(coupling(theta))
    values = matrix(0.3, -0.8)
    signs = np.array([1.0, -1.0])
    for i, a in enumerate(signs):
        for j, other in enumerate(signs):
            phases = np.exp(1j * theta * (a * signs[:, None] - other * signs[None, :]))
            expected = (phases * values).sum()
            part = found.sojourn if i == j else found.blip
            assert part.item() == pytest.approx(expected.real, abs=1e-12)
            assert expected.imag == pytest.approx(0.0, abs=1e-12)


def test_a_rotation_by_a_full_turn_changes_nothing_and_keeps_lengths():
    core = single(0.3, -0.8, parity=-1.0)
    for beta in (0.4, np.pi):
        turned = core.mapped(rotation(beta))
        length = turned.sojourn**2 + turned.blip**2
        assert length.item() == pytest.approx(0.73)
    torch.testing.assert_close(turned.blip, core.blip)


def test_a_product_is_summed_over_all_spin_pairs():
    one, other = single(0.3, -0.8), single(1.1, 0.4)
    expected = (matrix(0.3, -0.8) * matrix(1.1, 0.4)).sum()
    assert total(opened(one), opened(other)).item() == pytest.approx(expected)
    assert inner([one], [other], [IDENTITY]).item() == pytest.approx(expected)
    twice = inner([one, one], [other, other], [IDENTITY, IDENTITY])
    assert twice.item() == pytest.approx(expected**2)


def test_the_odd_parts_of_blips_count_with_the_other_sign():
    """(a Z)(a Z') is Z Z' where a = a'; (i a Y)(i a Y') is -Y Y' where it is not."""
    one, other = single(0.3, -0.8, parity=-1.0), single(1.1, 0.4, parity=-1.0)
    expected = 2 * (0.3 * 1.1 + 0.8 * 0.4)
    assert total(opened(one), opened(other)).item() == pytest.approx(expected)
    assert inner([one], [other], [IDENTITY]).item() == pytest.approx(expected)


def train(length=5, bond=4, seed=0):
    """A random train that keeps parity."""
    rng = np.random.default_rng(seed)
    sizes = [1, *[bond] * (length - 1), 1]
    signs = [
        torch.tensor([1.0, -1.0] * (size // 2) or [1.0], dtype=torch.float64) for size in sizes
    ]
    return [
        Core(*torch.from_numpy(rng.normal(size=(2, len(left), len(right)))), left, right)
        for left, right in pairwise(signs)
    ]


def test_rounding_without_a_limit_changes_no_product():
    whole = train()
    same = rounded(whole, bond=64, tolerance=0.0)
    maps = [IDENTITY] * 5
    probe = train(seed=1)
    assert inner(same, probe, maps).item() == pytest.approx(inner(whole, probe, maps).item())
    assert max(len(core.left) for core in same) <= 8


@pytest.mark.parametrize("bond", [2, 4, 6])
def test_a_cut_keeps_the_strongest_directions_of_each_parity(bond):
    core = train(length=3, bond=6)[1]
    isometry, rest = cut(core, bond=bond, tolerance=0.0)
    assert rest.shape == (bond, 6)
    stacked = torch.cat([isometry.sojourn, isometry.blip])
    alike = torch.outer(isometry.right, isometry.right) > 0
    products = (stacked.T @ stacked)[alike]
    torch.testing.assert_close(products, torch.eye(bond, dtype=torch.float64)[alike])
    whole = torch.cat([core.sojourn, core.blip])
    lost = torch.cat([torch.linalg.svdvals(whole[:, core.right == sign]) for sign in (1, -1)])
    left = lost.sort(descending=True).values[bond:]
    error = (whole - stacked @ rest).square().sum()
    torch.testing.assert_close(error, left.square().sum())
