from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import qaoa
from circuits.qaoa import MIXERS, PRODUCTS, SUMS, QaoaAnsatz, circuit, resources, stand_ins
from qfl.backends.subspace import SubspaceBackend
from qfl.simulators import evolution
from qfl.simulators.subspace import Subspace

EXACT = [mixer for mixer in MIXERS if mixer not in SUMS]


@pytest.mark.parametrize("mixer", EXACT)
@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_gates_make_the_defined_state(mixer, n, oracle):
    rng = np.random.default_rng(n)
    ansatz = oracle.random_ansatz(mixer, n, rng)
    angles = rng.normal(size=(2, 2))
    state = oracle.from_zero(circuit(ansatz).bind(angles.ravel()))
    assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-12


@pytest.mark.parametrize("mixer", [*EXACT[1:], "xy_complete"])
@pytest.mark.parametrize("n", [4, 10])
def test_the_subspace_engine_makes_the_same_state(mixer, n, oracle):
    rng = np.random.default_rng(n)
    ansatz = oracle.random_ansatz(mixer, n, rng, k=1 if mixer == "xy_complete" else None)
    angles = rng.normal(size=(2, 2))
    engine = Subspace(ansatz)
    amplitudes = engine.reordered(evolution.evolve(engine, angles[None]))[:, 0]
    index = engine.states(np.arange(engine.dimension)).astype(int) @ (1 << np.arange(n))
    state = np.zeros(2**n, complex)
    state[index] = amplitudes
    assert oracle.distance(oracle.from_zero(circuit(ansatz).bind(angles.ravel())), state) < 1e-10


@pytest.mark.property
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_blocks_of_any_shape(data, oracle):
    order = data.draw(st.permutations(range(data.draw(st.integers(1, 7)))))
    cut = data.draw(st.integers(0, len(order) - 1))
    blocks = tuple(
        (tuple(part), data.draw(st.integers(0, len(part))))
        for part in (order[:cut], order[cut:])
        if part
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = len(order)
    sparse = np.triu(rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.5), 1)
    mixer = data.draw(st.sampled_from(EXACT[1:]))
    ansatz = QaoaAnsatz(0.0, rng.normal(size=n), sparse, mixer, 2, blocks)
    if mixer in PRODUCTS:
        own = [(v[a], v[b]) for i, (v, _) in enumerate(blocks) for a, b in ansatz.edges(i)]
        ansatz = replace(ansatz, order=tuple(data.draw(st.permutations(own))))
    angles = rng.normal(size=(2, 2))
    state = oracle.from_zero(circuit(ansatz).bind(angles.ravel()))
    assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-12


def test_the_parity_ring_is_an_order_of_the_ring(oracle):
    rng = np.random.default_rng(1)
    parity = oracle.random_ansatz("xy_parity_ring", 6, rng)
    ring = replace(parity, mixer="xy_ring", order=parity.edges(0))
    assert circuit(ring).hash == circuit(parity).hash != circuit(replace(ring, order=None)).hash
    assert resources(ring) == resources(parity)


@pytest.mark.parametrize("ones", [0, 1, 3, 4])
def test_complete_mixing_of_one_excitation_is_exact(ones, oracle):
    rng = np.random.default_rng(ones)
    ansatz = oracle.random_ansatz("xy_complete", 4, rng, k=ones)
    angles = rng.normal(size=(2, 2))
    state = oracle.from_zero(circuit(ansatz).bind(angles.ravel()))
    assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-12


def test_trotter_steps_approach_the_complete_mixer(oracle):
    rng = np.random.default_rng(5)
    ansatz = oracle.random_ansatz("xy_complete", 6, rng, depth=1)
    angles = np.array([[0.4], [-0.2]])
    exact = oracle.qaoa_state(ansatz, angles)
    errors = [
        oracle.distance(
            oracle.from_zero(circuit(ansatz, trotter_steps=steps).bind(angles.ravel())), exact
        )
        for steps in (8, 16, 32)
    ]
    # first order: halving the step halves the error
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2, rtol=0.1)
    one_step = circuit(ansatz, trotter_steps=1)
    trotter = QaoaAnsatz(
        ansatz.constant, ansatz.linear, ansatz.quadratic, "xy_trotter", 1, ansatz.blocks
    )
    assert one_step.hash == circuit(trotter).hash


@pytest.mark.parametrize("mixer", EXACT[1:])
def test_a_basis_state_is_a_warm_start(mixer, oracle):
    rng = np.random.default_rng(9)
    blocks = (((4, 0, 2, 6), 2), ((1, 5, 3), 1))
    cold = QaoaAnsatz(
        0.0, rng.normal(size=7), np.triu(rng.normal(size=(7, 7)), 1), mixer, 1, blocks
    )
    allowed = Subspace(cold).states(np.arange(18))
    for place in (0, 7, 17):
        warm = replace(cold, initial=np.eye(18)[place])
        start = oracle.from_zero(circuit(replace(warm, depth=0)))
        assert oracle.bits_of(7)[np.abs(start).argmax()].tolist() == allowed[place].tolist()
        angles = rng.normal(size=(2, 1))
        states, probabilities = SubspaceBackend().compile(warm).distribution(angles)
        found = np.abs(oracle.from_zero(circuit(warm).bind(angles.ravel()))) ** 2
        index = states.astype(int) @ (1 << np.arange(7))
        np.testing.assert_allclose(found[index], probabilities, atol=1e-12)
    assert resources(warm).two_qubit_gates <= resources(cold).two_qubit_gates


def test_grover_search_without_blocks(oracle):
    rng = np.random.default_rng(2)
    ansatz = QaoaAnsatz(0.0, rng.normal(size=4), np.zeros((4, 4)), "grover", 2)
    angles = rng.normal(size=(2, 2))
    state = oracle.from_zero(circuit(ansatz).bind(angles.ravel()))
    assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-12


@pytest.mark.parametrize(
    ("mixer", "blocks", "gate"), [("x", (), "rx"), ("xy_ring", (((0, 1), 1),), "xxplusyy")]
)
def test_angles_follow_the_conversion_table(mixer, blocks, gate):
    ansatz = QaoaAnsatz(0.0, np.array([1.0, -3.0]), np.array([[0, 2.0], [0, 0]]), mixer, 1, blocks)
    factors = {(g.name, g.qubits): (g.factor, g.parameter) for g in circuit(ansatz).gates}
    # h = -linear/2 - quadratic/4 and J = quadratic/4: rz(2 gamma h), rzz(2 gamma J)
    assert factors["rz", (0,)] == (-2.0, "gamma_1")
    assert factors["rz", (1,)] == (2.0, "gamma_1")
    assert factors["rzz", (0, 1)] == (1.0, "gamma_1")
    assert {f for (name, _), f in factors.items() if name == gate} == {(2.0, "beta_1")}


@pytest.mark.golden
@pytest.mark.parametrize(("mixer", "scale", "mean"), [("xy_parity_ring", 2, -1.6842891252091214)])
def test_published_mean_cost(mixer, scale, mean, oracle):
    i = np.arange(10)
    utility = 0.5 + 0.5 * np.sin(1.7 * (i + 1))
    overlap = 0.15 * (1 + np.cos(0.9 * np.outer(i + 1, i + 1)))
    blocks = ((tuple(range(10)), 3),)
    ansatz = QaoaAnsatz(0.0, -utility, np.triu(overlap, 1), mixer, 4, blocks)
    ramp = np.arange(1, 5) / 4
    betas = -0.3 * scale * (1.25 - ramp)
    state = oracle.from_zero(circuit(ansatz).bind(np.concatenate([0.8 * ramp, betas])))
    x = oracle.bits_of(10)
    cost = x @ ansatz.linear + ((x @ ansatz.quadratic) * x).sum(1)
    assert np.abs(state) ** 2 @ cost == pytest.approx(mean, abs=1e-9)


def test_resources_are_those_of_the_circuit_and_cached(oracle):
    rng = np.random.default_rng(0)
    for mixer in MIXERS:
        ansatz = oracle.random_ansatz(mixer, 6, rng)
        for basis in ("cz", "fractional"):
            built = circuit(ansatz, trotter_steps=1).resources(basis=basis)
            assert resources(ansatz, basis=basis) == built
    before = qaoa._count.cache_info().hits
    resources(oracle.random_ansatz("x", 6, rng))
    assert qaoa._count.cache_info().hits == before + 1


def test_a_dense_layer_is_as_shallow_as_can_be(oracle):
    ansatz = oracle.random_ansatz("x", 9, np.random.default_rng(0), depth=1)
    needed = resources(ansatz, basis="fractional")
    assert (needed.two_qubit_gates, needed.depth) == (36, 9)
    chain = np.diag(np.ones(8), k=1)
    path = QaoaAnsatz(0.0, np.zeros(9), chain, "x", 3)
    assert resources(path, basis="fractional").depth == 6


def test_zero_coefficients_need_no_gate():
    free = QaoaAnsatz(1.0, np.zeros(3), np.zeros((3, 3)), "x", 1)
    assert {gate.name for gate in circuit(free).gates} == {"h", "rx"}


def test_a_bias_may_be_a_list_and_a_misplaced_entry_is_named():
    one, two = (
        circuit(QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1, bias=bias))
        for bias in ([0.2, 0.9], np.array([0.2, 0.9]))
    )
    assert one == two
    for bias in ([0.2], [0.2, 1.5]):
        with pytest.raises(ValueError, match=r"bias must be 2 probabilities in 0..1, got"):
            QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1, bias=bias)
    for entry, place in (((2, 0), r"entry \(0, 2\)"), ((1, 1), r"linear\[1\]")):
        quadratic = np.triu(np.ones((3, 3)), 1)
        quadratic[entry] = 0.5
        named = rf"got 0.5 in entry \({entry[0]}, {entry[1]}\): add it to {place}"
        with pytest.raises(ValueError, match=named):
            QaoaAnsatz(0.0, np.ones(3), quadratic, "x", 1)
    with pytest.raises(ValueError, match=r"quadratic must be \(3, 3\), got shape \(3, 2\)"):
        QaoaAnsatz(0.0, np.ones(3), np.zeros((3, 2)), "x", 1)


def test_what_has_no_circuit_is_refused():
    blocks = ((tuple(range(5)), 2),)
    cost = (0.0, np.ones(5), np.zeros((5, 5)))
    with pytest.raises(ValueError, match=r"no short exact circuit for blocks of 2 of 5; use mixer"):
        circuit(QaoaAnsatz(*cost, "xy_complete", 1, blocks))
    warm = QaoaAnsatz(*cost, "xy_ring", 1, blocks, np.ones(10) / np.sqrt(10))
    with pytest.raises(ValueError, match="warm start that is a superposition"):
        circuit(warm)
    assert resources(warm) == resources(QaoaAnsatz(*cost, "xy_ring", 1, blocks))
    assert stand_ins(warm) == ["a uniform start"]
    assert stand_ins(QaoaAnsatz(*cost, "xy_complete", 1, blocks))[0].startswith("one Trotter step")
    assert stand_ins(QaoaAnsatz(*cost, "xy_ring", 1, blocks)) == []
    with pytest.raises(
        ValueError, match=r"each pair of the mixer once, \(0, 1\), \(1, 2\), .* got"
    ):
        QaoaAnsatz(*cost, "xy_ring", 1, blocks, order=((0, 1), (0, 1), (2, 3), (3, 4), (4, 0)))
    with pytest.raises(ValueError, match="'grover' has no order of pairs; allowed: xy_trotter"):
        QaoaAnsatz(*cost, "grover", 1, blocks, order=((0, 1),))
    with pytest.raises(ValueError, match="mixer 'x' keeps no block"):
        QaoaAnsatz(*cost, "x", 1, blocks)
    with pytest.raises(ValueError, match=r"costs must be real, got linear = array\("):
        QaoaAnsatz(0.0, 1j * np.ones(5), np.zeros((5, 5)), "grover", 1, blocks)
    with pytest.raises(ValueError, match=r"choose 2.5 of 5; ones must be a whole number in 0..5"):
        QaoaAnsatz(*cost, "grover", 1, ((tuple(range(5)), 2.5),))
