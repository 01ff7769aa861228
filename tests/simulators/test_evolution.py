import numpy as np
import pytest
from dense_oracle import random_ansatz

from circuits.qaoa import MIXERS, QaoaAnsatz
from qfl.core.errors import BackendError
from qfl.simulators import evolution, field
from qfl.simulators.arrays import on_host
from qfl.simulators.hypercube import Hypercube
from qfl.simulators.objectives import Cvar, Gibbs, Mean
from qfl.simulators.subspace import Subspace

OBJECTIVES = {"mean": Mean(), "cvar": Cvar(0.3), "gibbs": Gibbs(0.7)}
ENGINES = {
    **{f"subspace {mixer}": (Subspace, mixer) for mixer in MIXERS if mixer != "x"},
    **{f"full space {mixer}": (Hypercube, mixer) for mixer in MIXERS},
}


def make(name, depth=3):
    rng = np.random.default_rng(12)
    kind, mixer = ENGINES[name]
    blocks = ((0, 2, 3, 4, 6), 3), ((1, 5), 1)
    kept = random_ansatz(rng, "grover", depth, blocks)
    blocks = () if mixer == "x" else blocks
    ansatz = QaoaAnsatz(0.2, kept.linear, kept.quadratic, mixer, depth, blocks)
    return kind(ansatz), rng


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", ENGINES)
def test_gradients_equal_central_differences(name, objective):
    engine, rng = make(name)
    figure = OBJECTIVES[objective].prepare(engine.table)
    angles = rng.normal(size=(1, 2, 3))
    _, gradient = evolution.values_and_gradients(engine, angles, figure)
    step = 1e-5
    shifts = step * np.eye(6).reshape(6, 2, 3)
    up, down = (evolution.values(engine, angles + s * shifts, figure) for s in (1, -1))
    np.testing.assert_allclose(gradient.ravel(), (up - down) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("name", ENGINES)
def test_depth_zero_is_the_start_state(name):
    engine, _ = make(name, depth=0)
    figure = Mean().prepare(engine.table)
    value, gradient = evolution.values_and_gradients(engine, np.zeros((2, 2, 0)), figure)
    allowed = evolution.probabilities(engine, np.zeros((1, 2, 0)))[:, 0] > 0
    np.testing.assert_allclose(value, engine.table[allowed].mean(), atol=1e-13)
    assert gradient.shape == (2, 2, 0)


@pytest.mark.parametrize("name", ENGINES)
def test_opposite_angles_give_the_same_value(name):
    """For a real cost and a real start state the final state is merely conjugated."""
    engine, rng = make(name)
    figure = Mean().prepare(engine.table)
    angles = rng.normal(size=(1, 2, 3))
    same = evolution.values(engine, np.concatenate([angles, -angles]), figure)
    assert same[0] == pytest.approx(same[1], abs=1e-12)


def test_a_ramp_of_opposite_signs_goes_down_and_one_of_equal_signs_goes_up():
    rng = np.random.default_rng(2)
    engine = Subspace(random_ansatz(rng, "xy_complete", 8, ((tuple(range(10)), 3),)))
    figure = Mean().prepare(engine.table)
    rise = np.arange(1, 9) / 8
    ramps = np.array([[0.6 * rise, sign * 0.3 * (9 / 8 - rise)] for sign in (-1, 1)])
    down, up = evolution.values(engine, ramps, figure)
    assert down < engine.table.mean() - 0.5 * engine.table.std()
    assert up > engine.table.mean() + 0.5 * engine.table.std()


@pytest.mark.parametrize("columns", [1, 8])
@pytest.mark.parametrize("name", ["subspace xy_complete", "full space x", "full space grover"])
def test_phases_conserve_the_norm_up_to_the_last_digit_and_are_refused_beyond(name, columns):
    engine, rng = make(name)
    angles = rng.normal(scale=0.3, size=(columns, 2, 3))
    largest = np.abs(engine.table).max()
    angles[:, 0] = 0.999 * 2.0**52 / largest
    mass = evolution.probabilities(engine, angles)
    np.testing.assert_allclose(mass.sum(0), 1, atol=1e-12)
    angles[-1, 0, 1] = -1.001 * 2.0**52 / largest
    asked = (evolution.probabilities, evolution.values, evolution.values_and_gradients)
    for use in (engine.operations, on_host()):
        engine.operations = use
        for ask in asked:
            with pytest.raises(BackendError, match=r"gamma \* cost. must be at most 2\^52 = 4.5e"):
                ask(engine, angles)


@pytest.mark.parametrize("sets", [3, 9, 40, 65])
@pytest.mark.parametrize("name", ["subspace xy_complete", "subspace grover", "full space x"])
def test_a_batch_gives_the_same_bits_on_any_number_of_threads(name, sets, monkeypatch):
    engine, rng = make(name)
    engine.columns = 8
    monkeypatch.setattr(evolution, "_WORTHWHILE", 0)
    angles, found = rng.normal(size=(sets, 2, 3)), []
    for count, free in ((1, 1 << 40), (2, 1 << 40), (3, 1 << 40), (5, 2 * engine.needed)):
        monkeypatch.setattr(evolution, "threads", lambda count=count: count)
        monkeypatch.setattr(evolution, "free_bytes", lambda free=free: free)
        groups = evolution.values_and_gradients(engine, angles)
        found.append(np.concatenate([part.ravel() for part in groups]))
    assert all(np.array_equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize("sets", [9, 11, 17, 65])
def test_no_angle_set_of_a_batch_under_x_runs_alone(sets, monkeypatch):
    """The kernels of a single one would cost seconds more on first use."""
    engine, rng = make("full space x")
    angles, objective = rng.normal(size=(sets, 2, 3)), OBJECTIVES["cvar"].prepare(engine.table)
    for figure in (None, objective):
        alone = [evolution.values_and_gradients(engine, one[None], figure) for one in angles]
        with monkeypatch.context() as patch:
            patch.setattr(field, "_run_one", None)
            patch.setattr(field, "_run_one_back", None)
            value = evolution.values(engine, angles, figure)
            both = evolution.values_and_gradients(engine, angles, figure)
        np.testing.assert_allclose(value, both[0], atol=1e-13)
        for mine, reference in zip(both, zip(*alone, strict=True), strict=True):
            np.testing.assert_allclose(mine, np.concatenate(reference), atol=1e-12)


@pytest.mark.parametrize("name", ENGINES)
def test_the_mean_needs_no_distribution(name):
    engine, rng = make(name)
    angles, figure = rng.normal(size=(5, 2, 3)), Mean().prepare(engine.table)
    one = evolution.values_and_gradients(engine, angles)
    two = evolution.values_and_gradients(engine, angles, figure)
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=1e-12)
    np.testing.assert_allclose(evolution.values(engine, angles), one[0], atol=1e-12)
