"""Training stays within its budget, returns the best it saw, and reaches a known minimum."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly
from qfl.core.errors import ConfigError, UnknownNameError
from qfl.solvers.schedules.descent import Chart, Training, train
from qfl.solvers.schedules.growing import fourier_chart
from qfl.solvers.schedules.units import in_units
from tests.solvers.conftest import dense
from tests.solvers.schedules.conftest import bowl


def scene(**options):
    return bowl(dense(Exactly(2), 6), "xy_complete", **options)


@pytest.mark.parametrize("optimiser", ["lbfgs", "cobyla", "spsa"])
@pytest.mark.parametrize("evaluations", [1, 2, 7, 40])
def test_the_budget_is_never_exceeded(optimiser, evaluations):
    landscape = scene()
    train(
        landscape,
        np.zeros(6),
        Chart.free(3),
        Training(evaluations=evaluations, optimiser=optimiser),
        np.random.default_rng(0),
    )
    assert 0 <= evaluations - landscape.evaluations <= (1 if optimiser == "spsa" else evaluations)
    assert landscape.evaluations <= evaluations
    assert landscape.shots == 0


@pytest.mark.parametrize(
    ("optimiser", "evaluations", "tolerance"), [("lbfgs", 40, 1e-5), ("cobyla", 400, 1e-2)]
)
def test_the_minimum_of_a_bowl_is_reached(optimiser, evaluations, tolerance):
    landscape = scene()
    training = Training(evaluations=evaluations, optimiser=optimiser)
    vector = train(landscape, np.zeros(4), Chart.free(2), training, np.random.default_rng(0))
    angles = in_units(landscape, Chart.free(2).angles(vector))
    np.testing.assert_allclose(angles, [[0.3, 0.3], [-0.2, -0.2]], atol=tolerance)


def test_gradients_travel_through_any_chart():
    """The chain rule of a sine and cosine chart, against central differences."""
    chart, rng = fourier_chart(4, 3), np.random.default_rng(0)
    vector, gradient = rng.normal(size=6), rng.normal(size=(2, 4))
    pulled = chart.pull(gradient)
    for i in range(6):
        step = np.zeros(6)
        step[i] = 1e-6
        slope = (gradient * (chart.angles(vector + step) - chart.angles(vector - step))).sum()
        assert pulled[i] == pytest.approx(slope / 2e-6, abs=1e-8)


def test_sampled_training_bills_its_shots():
    landscape = scene(exact=False)
    training = Training(evaluations=10, optimiser="spsa", shots_per_evaluation=30)
    train(landscape, np.zeros(2), Chart.free(1), training, np.random.default_rng(0))
    assert landscape.shots == 300
    assert landscape.evaluations == 10


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"evaluations": 0}, ConfigError, "evaluations"),
        ({"evaluations": 5, "optimiser": "adam"}, UnknownNameError, "cobyla, lbfgs, spsa"),
        ({"evaluations": 5, "shots_per_evaluation": 10}, ConfigError, "use 'spsa' or 'cobyla'"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        Training(**options)


def test_exact_training_on_a_sampling_backend_is_refused():
    with pytest.raises(ConfigError, match="training_backend='subspace'"):
        train(
            scene(exact=False),
            np.zeros(2),
            Chart.free(1),
            Training(evaluations=5),
            np.random.default_rng(0),
        )
