import numpy as np
import pytest

from qfl.core.errors import ProblemError
from qfl.problems import chain, draw
from qfl.solvers import solve
from qfl.solvers.exact import spectrum


def test_the_public_instance_is_the_one_of_the_benchmark_whatever_the_seed():
    first, second = (draw("chain", seed=seed, nodes=10) for seed in (0, 1))
    assert first.hash == second.hash
    weights = np.diag(first.qubo.quadratic, 1) / 4
    np.testing.assert_allclose(weights, [0.1, 0.3, 0.1, 0.5, 0.3, 0.1, 0.1, 0.5, 1.0])
    found = spectrum(first)
    assert (found.optimum, found.worst) == (pytest.approx(-3.0), pytest.approx(3.0))
    assert (found.mean, found.optimal_states) == (pytest.approx(0.0, abs=1e-12), 2)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("nodes", "ratio", "optimum"),
    [  # linear ramp 0.6 and 0.3 at depth 10, arXiv:2405.09169
        (5, 0.837849785610725, 0.27506368083901045),
        (8, 0.7981307742589542, 0.07853898115695969),
        (10, 0.8868928249384128, 0.06957488843982527),
    ],
)
def test_the_ideal_ramp_is_the_published_one(nodes, ratio, optimum):
    problem = draw("chain", seed=0, nodes=nodes)
    ramp = {"delta_gamma": 0.6, "delta_beta": 0.3, "unit": "none"}
    decision = solve(
        problem,
        "qaoa",
        seed=0,
        shots=1,
        depth=10,
        mixer="x",
        backend="statevector",
        schedule="linear_ramp",
        schedule_options=ramp,
    )
    weight = problem.qubo.constant
    seen = decision.diagnostics
    assert (weight - seen["expectation"]) / (2 * weight) == pytest.approx(ratio, abs=1e-8)
    assert seen["optimum_probability"] == pytest.approx(optimum, abs=1e-8)


def test_wrong_chains_are_refused():
    with pytest.raises(ProblemError, match="nodes"):
        draw("chain", seed=0, nodes=1)
    with pytest.raises(ProblemError, match="weights"):
        chain(weights=[[1.0]])
