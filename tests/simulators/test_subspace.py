import numpy as np
import pytest
from dense_oracle import cost, final_state, random_ansatz, random_order
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.qaoa import PRODUCTS, QaoaAnsatz
from qfl.core.errors import BackendError, CapacityError, ProblemError
from qfl.simulators import chebyshev, evolution, memory
from qfl.simulators.arrays import on_host, on_torch
from qfl.simulators.hypercube import Hypercube
from qfl.simulators.objectives import Mean
from qfl.simulators.operations import operations
from qfl.simulators.subspace import MIXERS, Subspace

BLOCKS = {
    "2 of 5": (((0, 1, 2, 3, 4), 2),),
    "4 of 6": (((0, 1, 2, 3, 4, 5), 4),),
    "3 of 8": (((0, 1, 2, 3, 4, 5, 6, 7), 3),),
    "half": (((0, 1, 2, 3, 4, 5), 3),),
    "one-hot": (((0, 1, 2), 1), ((3, 4, 5), 1), ((6, 7), 1)),
    "mixed, out of order": (((2, 0, 4), 1), ((1, 3, 5, 6), 3)),
    "nothing moves": (((0, 1), 0), ((2, 3, 4), 3), ((5,), 1)),
}
OPERATIONS = {"numba": operations(), "numpy": on_host(), "torch": on_torch("cpu")}


@pytest.mark.parametrize("use", OPERATIONS)
@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("blocks", BLOCKS)
def test_amplitudes_equal_dense_matrix_exponentials(blocks, mixer, use):
    rng = np.random.default_rng(3)
    ansatz = random_ansatz(rng, mixer, 2, BLOCKS[blocks])
    angles = rng.normal(size=(2, 2))
    engine = Subspace(ansatz, use=OPERATIONS[use])
    states, psi = final_state(ansatz, angles)
    places = engine.rank(states)
    assert np.array_equal(engine.states(places), states)
    np.testing.assert_allclose(engine.amplitudes(angles)[places], psi, atol=1e-13)
    table = engine.reordered(engine.table)[places]
    np.testing.assert_allclose(table, cost(ansatz, states), atol=1e-12)


def test_dimension_252_equals_the_dense_matrix_exponential():
    rng = np.random.default_rng(4)
    ansatz = random_ansatz(rng, "xy_complete", 2, ((tuple(range(10)), 5),))
    angles = np.array([[0.4, 0.9], [-0.7, 2.1]])
    engine = Subspace(ansatz)
    states, psi = final_state(ansatz, angles)
    np.testing.assert_allclose(engine.amplitudes(angles)[engine.rank(states)], psi, atol=1e-12)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize(("n", "k"), [(12, 6), (13, 9), (16, 4), (16, 8)])
def test_subspace_and_full_space_agree(n, k, mixer):
    rng = np.random.default_rng(n + k)
    depth = 1 if mixer == "xy_complete" else 3
    ansatz = random_ansatz(rng, mixer, depth, ((tuple(range(n)), k),))
    angles = rng.normal(scale=0.3, size=(2, depth))
    small, large = Subspace(ansatz), Hypercube(ansatz)
    every = np.arange(small.dimension)
    numbers = small.states(every) @ (1 << np.arange(n))
    found = large.amplitudes(angles)
    np.testing.assert_allclose(small.amplitudes(angles), found[numbers], atol=1e-12)
    assert np.linalg.norm(np.delete(found, numbers)) == 0  # weight is kept exactly


@st.composite
def block_lists(draw, most=9):
    sizes = draw(
        st.lists(st.integers(1, 6), min_size=1, max_size=3).filter(lambda s: sum(s) <= most)
    )
    order = draw(st.permutations(range(sum(sizes))))
    ends = np.cumsum(sizes)
    return tuple(
        (tuple(order[end - size : end]), draw(st.integers(0, size)))
        for end, size in zip(ends, sizes, strict=True)
    )


@pytest.mark.property
@settings(deadline=None, max_examples=60)
@given(
    blocks=block_lists(),
    mixer=st.sampled_from(MIXERS),
    depth=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.05, 0.5, 3.0]),
)
def test_any_ansatz_agrees_with_the_full_space_and_keeps_its_norm(
    blocks, mixer, depth, seed, spread
):
    rng = np.random.default_rng(seed)
    start = None
    if rng.random() < 0.5:
        size = Subspace(random_ansatz(rng, "grover", 0, blocks)).dimension
        start = rng.normal(size=size) + 1j * rng.normal(size=size)
        start /= np.linalg.norm(start)
    order = random_order(rng, mixer, blocks) if mixer in PRODUCTS else None
    ansatz = random_ansatz(rng, mixer, depth, blocks, start, order)
    angles = rng.normal(scale=spread, size=(1, 2, depth))
    small, large = Subspace(ansatz), Hypercube(ansatz)
    if start is None:
        found = np.zeros(small.dimension, dtype=complex)
        states, psi = final_state(ansatz, angles[0])
        found[small.rank(states)] = psi
        np.testing.assert_allclose(small.amplitudes(angles[0]), found, atol=1e-11)
    assert abs(np.linalg.norm(evolution.evolve(small, angles)) - 1) < 1e-12
    numbers = small.states(np.arange(small.dimension)) @ (1 << np.arange(ansatz.n))
    np.testing.assert_allclose(
        small.amplitudes(angles[0]), large.amplitudes(angles[0])[numbers], atol=1e-12
    )
    figures = [Mean().prepare(engine.table) for engine in (small, large)]
    one = evolution.values_and_gradients(small, angles, figures[0])
    two = evolution.values_and_gradients(large, angles, figures[1])
    np.testing.assert_allclose(one[0], two[0], atol=1e-11)
    np.testing.assert_allclose(one[1], two[1], atol=1e-10)


DEEP = [(20, 10, 0.02), (20, 10, 1.3), (24, 8, 0.4), (30, 6, -3.0), (18, 9, 40.0)]


@pytest.mark.parametrize(("n", "k", "beta"), DEEP)
def test_norm_is_kept_and_the_inverse_undoes_where_a_plain_ladder_would_not(n, k, beta):
    engine = Subspace(
        random_ansatz(np.random.default_rng(k), "xy_complete", 1, ((tuple(range(n)), k),))
    )
    psi = engine.start[:, None] * np.exp(-0.5j * engine.table[:, None])
    before = psi.copy()
    forth, back = engine.layers(np.array([[beta], [-beta]]))
    engine.mix(psi, forth)
    assert abs(np.linalg.norm(psi) - 1) < 1e-12
    engine.mix(psi, back)
    assert np.linalg.norm(psi - before) < 1e-12


def test_layers_and_runs_lower_into_the_same_arrays():
    blocks = ((tuple(range(8)), 4), (tuple(range(8, 13)), 2))
    engine = Subspace(random_ansatz(np.random.default_rng(4), "xy_complete", 3, blocks))
    psi = engine.room(2)[0]
    psi[:] = engine.start[:, None]
    seen = []
    for layer in engine.layers(np.full((3, 2), 0.3)) + engine.layers(np.full((2, 2), 0.2)):
        engine.mix(psi, layer)
        seen.append({id(one) for few in layer[0].spare.values() for one in few})
    assert seen[0]
    assert all(one == seen[0] for one in seen)
    assert not engine.layers(np.full((1, 3), 0.3))[0][0].spare  # other columns, other arrays


def test_large_states_leave_no_arrays_behind(monkeypatch):
    monkeypatch.setattr("qfl.simulators.subspace._GROUP", 1)
    engine = Subspace(random_ansatz(np.random.default_rng(4), "xy_complete", 1, ((range(8), 4),)))
    evolution.evolve(engine, np.full((1, 2, 1), 0.3))
    assert not engine.layers(np.full((1, 1), 0.3))[0][0].spare


@pytest.mark.parametrize("mixer", MIXERS)
def test_single_precision_is_close_to_double(mixer):
    rng = np.random.default_rng(8)
    ansatz = random_ansatz(rng, mixer, 4, ((tuple(range(12)), 5),))
    angles = rng.normal(scale=0.4, size=(2, 4))
    double, single = (
        Subspace(ansatz, precision=p).amplitudes(angles) for p in ("double", "single")
    )
    assert single.dtype == np.complex64
    np.testing.assert_allclose(single, double, atol=1e-5)


HALF = {f"{n // 2} of {n}": ((tuple(range(n)), n // 2),) for n in (12, 14, 16, 18)}
BATCHED = {"two blocks": ((tuple(range(9)), 4), ((9, 10, 11), 1)), **HALF}


@pytest.mark.parametrize("blocks", BATCHED)
def test_a_batch_equals_its_columns(blocks):
    rng = np.random.default_rng(9)
    ansatz = random_ansatz(rng, "xy_complete", 3, BATCHED[blocks])
    engine = Subspace(ansatz)
    angles = rng.uniform(-1.5, 1.5, size=(engine.columns + 6, 2, 3))  # more than one group
    angles[::2, 1] *= 0.1  # columns of one layer take different steps
    largest = np.abs(engine.table).max()
    values, gradients = evolution.values_and_gradients(engine, angles)
    for i in (0, 5, len(angles) - 1):
        one = evolution.values_and_gradients(engine, angles[i : i + 1])
        np.testing.assert_allclose(values[i], one[0][0], rtol=0, atol=1e-12 * largest)
        np.testing.assert_allclose(gradients[i], one[1][0], rtol=0, atol=1e-10 * largest)


def in_chebyshev_polynomials(engine, n, k, angles):
    """Return the final states (states, columns) by a series in A^T A, which keeps any norm."""
    psi = np.repeat(engine.start[:, None].astype(complex), len(angles), axis=1)
    half = k * (n - k + 1) / 2

    def centred(states):
        image = np.zeros_like(states)
        lowered = engine.operations.lower(states[None], n, k)
        engine.operations.lift(lowered, image[None], n, k)
        return image / half - states

    for gammas, betas in angles.transpose(2, 1, 0):
        psi = psi * np.exp(-1j * engine.table[:, None] * gammas)
        psi = chebyshev.expand(psi, centred, list(chebyshev.coefficients(half * betas)))
    return psi


TOLERANCE = {"double": 1e-12, "single": 5e-5}


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(
    ("n", "use"), [(12, "numba"), (14, "numba"), (16, "numba"), (12, "numpy"), (14, "torch")]
)
def test_half_of_the_elements_keeps_norm_and_value_alone_and_in_a_batch(n, precision, use):
    rng = np.random.default_rng(n)
    ansatz = random_ansatz(rng, "xy_complete", 4, HALF[f"{n // 2} of {n}"])
    engine = Subspace(ansatz, precision=precision, use=OPERATIONS[use])
    angles = rng.uniform(-1.5, 1.5, size=(12, 2, 4))
    angles[::2, 1] *= 0.2
    exact = in_chebyshev_polynomials(Subspace(ansatz), n, n // 2, angles)
    alone = [evolution.probabilities(engine, angles[c : c + 1])[:, 0] for c in range(12)]
    batch = evolution.probabilities(engine, angles).T
    for found in (np.array(alone), np.ascontiguousarray(batch)):
        np.testing.assert_allclose(found.sum(1), 1, rtol=0, atol=TOLERANCE[precision])
        apart = np.abs(found - np.abs(exact.T) ** 2) @ np.abs(engine.table)
        assert apart.max() < TOLERANCE[precision] * np.abs(engine.table).max()


def test_a_mixer_that_leaves_the_blocks_is_refused():
    ansatz = QaoaAnsatz(0.0, np.ones(3), np.zeros((3, 3)), "x", 1)
    with pytest.raises(BackendError, match=r"got mixer 'x' and 0 blocks; use the backend 'statev"):
        Subspace(ansatz)


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (np.ones(5), r"needs 6 finite amplitudes.*got shape \(5,\)"),
        (np.ones(6), "norm 1, got 2.44948974"),
        (np.full(6, np.nan), "finite amplitudes"),
    ],
)
def test_a_warm_start_must_be_a_state(initial, message):
    ansatz = random_ansatz(np.random.default_rng(0), "grover", 1, (((0, 1, 2, 3), 2),), initial)
    with pytest.raises(ProblemError, match=message):
        Subspace(ansatz)


def test_what_does_not_fit_is_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 22 * memory.GIB)
    monkeypatch.setattr("qfl.simulators.subspace.free_bytes", memory.free_bytes)
    ansatz = random_ansatz(np.random.default_rng(0), "xy_complete", 1, ((tuple(range(40)), 20),))
    with pytest.raises(CapacityError) as error:
        Subspace(ansatz)
    assert str(error.value) == (
        "C(40, 20) = 137846528820 states needs 21311.0 GiB, 22.0 GiB free; "
        "try k <= 8, or solver 'decompose'"
    )


@pytest.mark.parametrize(
    ("gib", "precision", "advice"),
    [
        (32, "double", "try precision='single', or solver 'decompose'"),
        (32, "single", None),
        (3, "double", "try solver 'decompose'"),
        (3, "single", "try solver 'decompose'"),
    ],
)
def test_single_precision_is_advised_only_where_it_would_fit(monkeypatch, gib, precision, advice):
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": gib * memory.GIB)
    monkeypatch.setattr("qfl.simulators.subspace.free_bytes", memory.free_bytes)
    monkeypatch.setattr("qfl.simulators.subspace.quadratic_costs", _stop)
    halves = ((tuple(range(17)), 8), (tuple(range(17, 34)), 8))
    ansatz = random_ansatz(np.random.default_rng(0), "xy_ring", 1, halves)
    with pytest.raises(CapacityError if advice else _Allocated, match=advice):
        Subspace(ansatz, precision=precision)


class _Allocated(Exception):
    """The engine would have gone on."""


def _stop(*_):
    raise _Allocated


@pytest.mark.parametrize("n", [600, 2000])
def test_astronomically_many_states_are_refused_in_one_short_sentence(n):
    zeros = np.zeros((n, n))
    ansatz = QaoaAnsatz(0.0, np.ones(n), zeros, "grover", 1, ((tuple(range(n)), n // 2),))
    refusal = rf"C\({n}, {n // 2}\) = 2\^\d+ states needs 2\^\d+ GiB"
    with pytest.raises(CapacityError, match=refusal):
        Subspace(ansatz)
