from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from instances import chain, k_of_n, ramp, ratio
from scipy.stats import chi2

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.simulators.objectives import Cvar, Gibbs

EXACT = ["subspace", "statevector"]
FALSE_ALARM = 1e-6


def selection(n, k, mixer, depth):
    """Return the selection instance of the literature row, which has no constant."""
    return replace(k_of_n(n, k, mixer, depth), constant=0.0)


def max_cut(graph, depth):
    """Return H = -cut of a graph, on any labels."""
    edges = nx.to_numpy_array(graph, weight=None) > 0
    return QaoaAnsatz(0.0, -edges.sum(1).astype(float), 2.0 * np.triu(edges, 1), "x", depth)


@pytest.mark.golden
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize(
    ("n", "k", "mixer", "angles", "mean", "optimum_probability"),
    [  # f(x) = -u.x + 0.3 x S x with closed-form u, S; subspace evolution
        (6, 2, "xy_complete", ramp(3, 0.8, 0.5), -1.2294685296168697, 0.1655871922769471),
        (10, 3, "xy_complete", ramp(4, 0.8, 0.3), -1.6637017327793435, 0.04576014784076727),
        (10, 3, "xy_ring_exact", ramp(4, 0.8, 0.6), -1.7498934898797172, 0.131579393667095),
        (10, 3, "xy_parity_ring", ramp(4, 0.8, 0.6), -1.6842891252091214, 0.1094139486706537),
        (12, 4, "xy_complete", ramp(6, 0.9, 0.25), -2.2280524758482105, 0.030221243745989026),
    ],
)
def test_k_of_n_selection(n, k, mixer, angles, mean, optimum_probability, name):
    compiled = get_backend(name).compile(selection(n, k, mixer, angles.shape[1]))
    assert compiled.expectation(angles) == pytest.approx(mean, abs=1e-9)
    states, probabilities = compiled.distribution(angles)
    ansatz = selection(n, k, mixer, 0)
    costs = states @ ansatz.linear + ((states @ ansatz.quadratic) * states).sum(1)
    costs[states.sum(1) != k] = np.inf
    assert probabilities[np.argmin(costs)] == pytest.approx(optimum_probability, abs=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "k", "weight", "angles", "mean", "kept"),
    [  # penalty weight (sum x - k)^2 under the transverse field
        (8, 3, 1.5, ramp(3, 0.4, 0.5), -0.5980592540970542, 0.6788469409155384),
        (10, 3, 1.0, ramp(4, 0.4, 0.5), -0.7854854534753215, 0.5198192571378243),
    ],
)
def test_k_of_n_by_penalty(n, k, weight, angles, mean, kept):
    plain = selection(n, k, "x", angles.shape[1])
    ansatz = QaoaAnsatz(
        weight * k**2,
        plain.linear + weight * (1 - 2 * k),
        plain.quadratic + 2 * weight * np.triu(np.ones((n, n)), 1),
        "x",
        angles.shape[1],
    )
    compiled = get_backend("statevector").compile(ansatz)
    assert compiled.expectation(angles) == pytest.approx(mean, abs=1e-9)
    states, probabilities = compiled.distribution(angles)
    assert probabilities[states.sum(1) == k].sum() == pytest.approx(kept, abs=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize(
    ("n", "k", "beta", "stay", "one_swap"),
    [  # complete XY mixer on the state with variables 0..k-1 chosen; dense matrix exponential
        (6, 2, 0.37, 0.6236668339453 + 0.1677703585746j, -0.1148017247842 - 0.1693735972395j),
        (8, 3, -0.25, 0.6749509824249 - 0.1396690318962j, -0.0751500757597 + 0.1212471745747j),
        (12, 4, 0.11, 0.8407804821096 + 0.0542965131554j, -0.0384415965875 - 0.0746873237425j),
    ],
)
def test_complete_mixer_from_one_choice(n, k, beta, stay, one_swap, name):
    plain = selection(n, k, "xy_complete", 1)
    start = np.eye(get_backend("subspace").compile(plain).engine.dimension, dtype=complex)[0]
    ansatz = QaoaAnsatz(
        0.0, plain.linear, plain.quadratic, "xy_complete", 1, plain.blocks, initial=start
    )
    compiled = get_backend(name).compile(ansatz)
    angles = np.array([[0.0], [beta]])
    states, amplitudes = compiled.distribution(angles)[0], compiled.amplitudes(angles)
    place = {tuple(np.flatnonzero(state)): i for i, state in enumerate(states)}
    assert amplitudes[place[tuple(range(k))]] == pytest.approx(stay, abs=1e-10)
    assert amplitudes[place[tuple(range(1, k + 1))]] == pytest.approx(one_swap, abs=1e-10)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("slots", "beta", "stays"), [(3, 0.4, 0.716603446434077), (4, -0.3, 0.7608841579287526)]
)
def test_one_hot_block_keeps_its_slot(slots, beta, stays):
    """|1 + (exp(-i beta S) - 1)/S|^2, with a second block beside it."""
    blocks = (tuple(range(slots)), 1), (tuple(range(slots, 2 * slots)), 1)
    start = np.eye(slots**2, dtype=complex)[slots + 1]
    n = 2 * slots
    ansatz = QaoaAnsatz(0.0, np.zeros(n), np.zeros((n, n)), "xy_complete", 1, blocks, start)
    states, found = get_backend("subspace").compile(ansatz).distribution([[0.0], [beta]])
    assert found[states[:, 1] == 1].sum() == pytest.approx(stays, abs=1e-12)
    assert found[states[:, slots + 1] == 1].sum() == pytest.approx(stays, abs=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("graph", "angles", "cut"),
    [  # arXiv:1706.02998 (edge formula), arXiv:2107.00677 (fixed angles), arXiv:1411.4028 (ring)
        (nx.complete_graph(4), [[0.6], [-0.3]], 3.660011321616393),
        (nx.petersen_graph(), [[0.4], [-0.25]], 9.58494015666189),
        (nx.heawood_graph(), [[0.6155336291], [-0.3926720292]], 21 * 0.6924500869245639),
        (nx.heawood_graph(), [[0.4877097327, 0.8979876956], [-0.5550603401, -0.2925078148]],
         21 * 0.7559064144559313),
        (nx.cycle_graph(10), [[0.655871, 1.242861], [-0.62143, -0.327935]],
         10 * 0.8333333333328587),
    ],
)  # fmt: skip
def test_max_cut_with_published_angles(graph, angles, cut):
    compiled = get_backend("statevector").compile(max_cut(graph, len(angles[0])))
    assert -compiled.expectation(angles) == pytest.approx(cut, abs=1e-8)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "r", "optimum_probability"),
    [  # linear ramp on the weighted chain, arXiv:2405.09169
        (5, 0.837849785610725, 0.27506368083901045),
        (8, 0.7981307742589542, 0.07853898115695969),
        (10, 0.8868928249384128, 0.06957488843982527),
    ],
)
def test_linear_ramp_on_the_published_chain(n, r, optimum_probability):
    ansatz = chain(n)
    compiled = get_backend("statevector").compile(ansatz)
    assert ratio(ansatz, compiled.expectation(ramp())) == pytest.approx(r, abs=1e-8)
    states, probabilities = compiled.distribution(ramp())
    alternating = (states[:, 1:] != states[:, :-1]).all(1)
    assert probabilities[alternating].sum() == pytest.approx(optimum_probability, abs=1e-8)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", EXACT)
def test_samples_follow_the_distribution(name, precision):
    """Chi-square over all states with at least five expected; false alarms: 1e-6 per case."""
    shots = 20_000
    compiled = get_backend(name, precision=precision).compile(selection(8, 3, "xy_complete", 2))
    angles = ramp(2, 0.8, 0.4)
    counts = compiled.sample(angles, shots, np.random.default_rng(2))
    states, probabilities = compiled.distribution(angles)
    seen = {tuple(state): count for state, count in zip(counts.states, counts.shots, strict=True)}
    observed = np.array([seen.get(tuple(state), 0) for state in states])
    assert observed.sum() == shots
    expected = shots * probabilities
    common = expected >= 5
    statistic = ((observed - expected)[common] ** 2 / expected[common]).sum()
    rest = expected[~common].sum()
    statistic += (observed[~common].sum() - rest) ** 2 / rest if rest else 0
    assert statistic < chi2.isf(FALSE_ALARM, common.sum())


@pytest.mark.parametrize("name", EXACT)
def test_samples_repeat_with_their_generator_and_never_leave_the_constraint(name):
    compiled = get_backend(name).compile(selection(9, 4, "xy_ring", 3))
    first, second = (compiled.sample(ramp(3), 50, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first.samples(), second.samples())
    assert (first.states.sum(1) == 4).all()


def test_the_distribution_lists_every_allowed_state_once_in_ascending_order():
    compiled = get_backend("subspace").compile(selection(9, 6, "xy_complete", 1))
    states, probabilities = compiled.distribution(ramp(1))
    numbers = states.astype(int) @ (1 << np.arange(9))
    assert (np.diff(numbers) > 0).all()
    assert len(states) == 84
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)


def test_batches_have_the_shape_of_their_angles():
    compiled = get_backend("subspace").compile(selection(6, 2, "grover", 3))
    angles = np.random.default_rng(0).normal(size=(4, 5, 2, 3))
    values, gradients = compiled.value_and_gradient(angles)
    assert (values.shape, gradients.shape) == ((4, 5), (4, 5, 2, 3))
    np.testing.assert_allclose(values, compiled.expectation(angles), atol=1e-13)
    one, gradient = compiled.value_and_gradient(angles[1, 2])
    assert (one.shape, gradient.shape) == ((), (2, 3))
    assert one == pytest.approx(values[1, 2], abs=1e-13)


@pytest.mark.parametrize("objective", [Cvar(0.25), Gibbs(1.5)])
def test_other_objectives_agree_between_the_engines(objective):
    angles = ramp(2, 0.7, 0.4)
    found = [
        get_backend(name)
        .compile(selection(8, 3, "xy_complete", 2))
        .value_and_gradient(angles, objective=objective)
        for name in EXACT
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-10)


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        (np.zeros((2, 3)), r"must have shape \(\.\.\., 2, 2\), gammas then betas, got \(2, 3\)"),
        (np.zeros(4), r"got \(4,\)"),
        (np.full((2, 2), np.inf), "must be finite, got inf"),
        ([[0.1], [0.1, 0.2]], r"real numbers of shape \(\.\.\., 2, 2\)"),
        (np.zeros((0, 2, 2)), r"got \(0, 2, 2\)"),
        (np.full((2, 2), 1j), r"angles must be real numbers .* got array\(\[\[0.\+1.j"),
    ],
)
def test_angles_that_make_no_sense_are_refused(angles, message):
    compiled = get_backend("subspace").compile(selection(5, 2, "grover", 2))
    with pytest.raises(BackendError, match=message):
        compiled.expectation(angles)


def test_sampling_takes_one_angle_set_and_at_least_one_shot():
    compiled = get_backend("subspace").compile(selection(5, 2, "grover", 1))
    rng = np.random.default_rng(0)
    with pytest.raises(BackendError, match=r"one angle set of shape \(2, 1\), got \(3, 2, 1\)"):
        compiled.sample(np.zeros((3, 2, 1)), 5, rng)
    for shots in (0, 2.5, True):
        with pytest.raises(BackendError, match=f"at least 1 shot, got {shots}"):
            compiled.sample(np.zeros((2, 1)), shots, rng)


@pytest.mark.parametrize("name", EXACT)
def test_options_out_of_range_are_refused(name):
    with pytest.raises(
        ConfigError, match=r"precision of backend .* one of double, single, got 'half'"
    ):
        get_backend(name, precision="half")
    with pytest.raises(ConfigError, match=r"device of backend .* one of cpu, cuda, got 'tpu'"):
        get_backend(name, device="tpu")


def test_a_list_of_states_that_does_not_fit_is_refused(monkeypatch):
    compiled = get_backend("subspace").compile(selection(8, 3, "grover", 1))
    monkeypatch.setattr("qfl.simulators.memory.free_bytes", lambda device: 56 * 104 - 1)
    with pytest.raises(CapacityError, match=r"a list of 56 states needs .* or sample"):
        compiled.distribution(np.zeros((2, 1)))
