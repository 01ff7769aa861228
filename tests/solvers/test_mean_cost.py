import pytest

from qfl.core.constraints import Exactly
from qfl.core.errors import ConfigError
from qfl.solvers import solve
from tests.solvers.conftest import dense

QAOA = {"depth": 1, "mixer": "xy_ring", "schedule": "transfer"}


def test_samples_are_those_of_the_wrapped_backend_and_the_mean_is_mitigated():
    problem = dense(Exactly(2), 4)
    noisy = {"two_qubit_error": 0.02, "method": "density_matrix"}
    place = {"backend": "aer", "backend_options": noisy}
    raw, mitigated, ideal = (
        solve(problem, "qaoa", seed=0, shots=200, **place, **QAOA),
        solve(problem, "qaoa_mean", seed=0, shots=200, backend_options={**place}, qaoa=QAOA),
        solve(problem, "qaoa", seed=0, shots=200, **QAOA),
    )
    assert mitigated.x.tolist() == raw.x.tolist()
    assert mitigated.diagnostics["feasible_mean"] == raw.diagnostics["feasible_mean"]
    assert mitigated.bill.evaluations == raw.bill.evaluations + 1
    exact = ideal.diagnostics["expectation"]
    noise = abs(raw.diagnostics["sample_mean"] - exact)
    assert abs(mitigated.diagnostics["mitigated_mean"] - exact) < noise / 2


def test_what_it_wraps_must_be_said_once():
    with pytest.raises(ConfigError, match=r"give backend_options\.backend"):
        solve(dense(Exactly(1), 3), "qaoa_mean", seed=0, shots=1)
    with pytest.raises(ConfigError, match="leave out backend"):
        solve(
            dense(Exactly(1), 3),
            "qaoa_mean",
            seed=0,
            shots=1,
            backend_options={"backend": "aer"},
            qaoa={"backend": "aer"},
        )
    with pytest.raises(ConfigError, match="give shots to 'qaoa_mean' itself"):
        solve(
            dense(Exactly(1), 3),
            "qaoa_mean",
            seed=0,
            shots=1,
            backend_options={"backend": "aer"},
            qaoa={"shots": 3},
        )
