"""Mean costs and distributions against the known answers, whichever engine is behind them."""

import numpy as np
import pytest

from qfl.core.errors import BackendError, ConfigError, ProblemError, UnknownNameError
from qfl.problems.load import closed_form_selection, load
from qfl.solvers import penalised, qaoa_distribution, qaoa_expectation
from qfl.solvers.schedules.ramp import linear_ramp

K_OF_N = [
    (6, 2, 3, 0.8, 0.5, "xy_complete", -1.2294685296168697, 0.1655871922769471),
    (10, 3, 4, 0.8, 0.3, "xy_complete", -1.6637017327793435, 0.04576014784076727),
    (10, 3, 4, 0.8, 0.6, "xy_parity_ring", -1.6842891252091214, 0.1094139486706537),
    (12, 4, 6, 0.9, 0.25, "xy_complete", -2.2280524758482105, 0.030221243745989026),
]


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "k", "depth", "gamma", "beta", "mixer", "mean", "optimum_probability"), K_OF_N
)
def test_k_of_n_ramps(n, k, depth, gamma, beta, mixer, mean, optimum_probability):
    """Closed-form instance, subspace evolution from the Dicke state; status: recomputed."""
    problem = closed_form_selection(n, k)
    angles = linear_ramp(depth, delta_gamma=gamma, delta_beta=beta)
    assert qaoa_expectation(problem, *angles, mixer=mixer) == pytest.approx(mean, abs=1e-9)
    states, probabilities = qaoa_distribution(problem, *angles, mixer=mixer)
    best = np.argmin(problem.qubo.energy(states))
    assert probabilities[best] == pytest.approx(optimum_probability, abs=1e-9)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "depth", "weight", "gamma", "mean", "kept"),
    [
        (8, 3, 1.5, 0.4, -0.5980592540970542, 0.6788469409155384),
        (10, 4, 1.0, 0.4, -0.7854854534753215, 0.5198192571378243),
    ],
)
def test_penalty_formulation(n, depth, weight, gamma, mean, kept):
    """lam (sum x - K)^2 with the transverse mixer from |+>^N, K = 3; status: recomputed."""
    problem = closed_form_selection(n, 3)
    priced = penalised(problem, penalty=weight)
    angles = linear_ramp(depth, delta_gamma=gamma, delta_beta=0.5)
    where = {"mixer": "x", "backend": "statevector"}
    assert qaoa_expectation(priced, *angles, **where) == pytest.approx(mean, abs=1e-9)
    states, probabilities = qaoa_distribution(priced, *angles, **where)
    inside = probabilities[problem.is_feasible(states)].sum()
    assert inside == pytest.approx(kept, abs=1e-9)


@pytest.mark.golden
def test_the_published_chain():
    """LR-QAOA five-qubit chain, Delta = 1, weights divided by the largest; arXiv:2405.09169."""
    problem = load("chain_5")
    angles = linear_ramp(3, delta_gamma=1.0 / 0.1, delta_beta=1.0)
    mean = qaoa_expectation(problem, *angles, mixer="x", backend="statevector")
    # The cut is (W - H) / 2 and its largest value is W = 0.3.
    assert (0.3 - mean) / 2 / 0.3 == pytest.approx(0.8271150603396041, abs=1e-8)


def test_equal_signs_lead_the_wrong_way():
    problem = closed_form_selection(10, 3)
    gammas, betas = linear_ramp(4, delta_gamma=0.8, delta_beta=0.3)
    down = qaoa_expectation(problem, gammas, betas)
    nowhere = qaoa_expectation(problem, [], [])
    up = qaoa_expectation(problem, gammas, -betas)
    assert down < nowhere < up
    assert nowhere == pytest.approx(-1.030896249368878, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: qaoa_expectation(p, [0.1], [0.1, 0.2]), ConfigError, "one length"),
        (lambda p: qaoa_expectation(p, [np.nan], [0.1]), ConfigError, "finite"),
        (lambda p: qaoa_expectation(p, np.array([1j]), [0.1]), ConfigError, r"got array\(\[0"),
        (lambda p: qaoa_expectation(p, ["a"], [0.1]), ConfigError, r"real numbers, got \['a'\]"),
        (lambda p: qaoa_expectation(p, [0.1], [0.1], mixer="x"), ConfigError, "penalised"),
        (lambda p: qaoa_expectation(p, [0.1], [0.1], mixer="xx"), UnknownNameError, "mixer"),
        (
            lambda p: qaoa_expectation(p, [0.1], [0.1], backend="subspac"),
            UnknownNameError,
            "did you mean 'subspace'",
        ),
        (lambda p: qaoa_expectation(penalised(p), [0.1], [0.1]), ProblemError, "use mixer 'x'"),
        (
            lambda p: qaoa_expectation(penalised(p), [0.1], [0.1], mixer="x"),
            BackendError,
            "does not run mixer 'x'",
        ),
    ],
)
def test_bad_input_is_one_clear_error(call, error, message):
    with pytest.raises(error, match=message):
        call(closed_form_selection(6, 2))
