from math import comb

import numpy as np
import pytest
from dense_oracle import exchange
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.simulators.combinations import unrank
from qfl.simulators.ladder import NOISE, eigenvalues, leja, plans

ROUND = np.finfo(np.float64).eps


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "k", "spectrum"),
    [  # Johnson scheme: eigenvalues of the complete XY mixer on weight k with multiplicities
        (6, 2, [(8, 1), (2, 5), (-2, 9)]),
        (8, 3, [(15, 1), (7, 7), (1, 20), (-3, 28)]),
    ],
)
def test_spectrum_of_the_complete_mixer(n, k, spectrum):
    found = [
        (value - k, comb(n, level) - (comb(n, level - 1) if level else 0))
        for level, value in enumerate(eigenvalues(n, k))
    ]
    assert found == spectrum
    states = unrank(n, k, np.arange(comb(n, k))).astype(np.int64)
    mixer = sum(exchange(states, a, b) for a in range(n) for b in range(a))
    expected = np.repeat([v for v, _ in spectrum], [m for _, m in spectrum])
    np.testing.assert_allclose(np.linalg.eigvalsh(mixer)[::-1], expected, atol=1e-12)


def evaluate(plan, n, k):
    """Return the value that a plan gives to each eigenspace l = 1..k, by its recursion."""
    at = eigenvalues(n, k - len(plan.ladder))[1:]
    value, product = np.zeros(len(at), complex), np.ones(len(at))
    for node, difference in zip(plan.nodes, plan.newton[:, 0], strict=True):
        value += difference * product
        product = product * (at - node)
    for level in reversed(range(len(plan.ladder))):
        full = np.append(value, 0) * eigenvalues(n, k - level)[1:]
        value = plan.ladder[level, 0] + full
    return value**plan.steps


@pytest.mark.property
@settings(deadline=None)
@given(
    n=st.integers(2, 40),
    share=st.floats(0, 1),
    beta=st.floats(-40, 40),
    precision=st.sampled_from(sorted(NOISE)),
)
def test_plans_reproduce_the_exponential_on_every_eigenspace(n, share, beta, precision):
    k = 1 + int(share * (min(n // 2, 12) - 1))
    (((_, plan),),) = plans(n, k, np.array([[beta]]), precision)
    exact = np.exp(-1j * np.longdouble(beta) * eigenvalues(n, k)[1:])
    np.testing.assert_allclose(evaluate(plan, n, k), exact, atol=4 * ROUND * NOISE[precision])


def test_small_k_takes_the_plain_ladder_and_hard_cases_take_less_or_smaller_steps():
    depth = {
        (n, k, beta): (len(plan.ladder), plan.steps)
        for n, k, beta in [(40, 5, 1.0), (20, 10, 0.3), (20, 10, 1.3)]
        for ((_, plan),) in plans(n, k, np.array([[beta]]), "double")
    }
    assert depth[40, 5, 1.0] == (4, 1)
    assert depth[20, 10, 0.3][0] < 9
    assert depth[20, 10, 1.3][1] > 1


def test_columns_share_a_plan_only_where_all_need_its_steps():
    betas = np.array([[0.01] * 10 + [1.3] * 6, [0.01] * 16, [1.3, *[0.01] * 15]])
    for row, shares in zip(betas, plans(20, 10, betas, "double"), strict=True):
        columns = np.concatenate([at for at, _ in shares])
        assert sorted(columns) == list(range(16))
        assert len({plan.steps for _, plan in shares}) == len(shares) == len(set(row))
        for at, plan in shares:
            assert plan.uniform.shape == at.shape
            assert (plan.steps > 1) == (row[at] == 1.3).all()


def test_leja_points_are_a_permutation_that_starts_at_the_largest():
    points = eigenvalues(20, 8)
    ordered = leja(points)
    assert sorted(ordered) == sorted(points)
    assert ordered[0] == points.max()
