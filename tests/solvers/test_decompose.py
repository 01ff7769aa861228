"""Block by block the true objective never rises, and blocks keep what they must."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly, ExactlyEach, OneHot, Unconstrained
from qfl.core.errors import CapacityError, ConfigError
from qfl.problems.selection import ClientSelection
from qfl.problems.slots import AggregationSchedule
from qfl.solvers import solve
from qfl.solvers.decompose import Decompose, fill, partition
from qfl.solvers.exact import spectrum
from qfl.solvers.restrict import restrict
from tests.solvers.conftest import dense


@pytest.mark.parametrize(
    ("constraint", "n", "size"),
    [(Exactly(2), 15, 6), (Exactly(14), 15, 6), (Unconstrained(), 13, 4)],
)
def test_blocks_cover_everything_and_hold_both_kinds(constraint, n, size):
    problem, rng = dense(constraint, n), np.random.default_rng(0)
    x = constraint.sample(n, 1, rng)[0]
    blocks = [
        fill(problem, x, core, np.setdiff1d(np.arange(n), core), size)
        for core in partition(problem, size, rng)
    ]
    assert set(np.concatenate(blocks)) == set(range(n))
    assert all(len(block) == size for block in blocks)
    if constraint != Unconstrained():
        assert all(0 < x[block].sum() < size for block in blocks)


def test_blocks_of_a_product_can_swap_inside_their_parts():
    """Ten parts of six: a core of eight random variables would mostly hold one of each."""
    parts = tuple((tuple(range(6 * b, 6 * b + 6)), 1 + b % 3) for b in range(10))
    problem, rng = dense(ExactlyEach(parts), 60), np.random.default_rng(0)
    x = problem.constraint.sample(60, 1, rng)[0]
    for core in partition(problem, 12, rng):
        outside = rng.permutation(np.setdiff1d(np.arange(60), core))
        small = restrict(problem, fill(problem, x, core, outside, 12), x).problem
        parts_left = small.constraint.blocks(small.n)
        assert any(0 < ones < len(variables) for variables, ones in parts_left)
    decision = solve(problem, "decompose", seed=0, block=12, inner="exact", start="random")
    assert decision.feasible
    assert decision.energy < decision.diagnostics["start_energy"]


def test_one_hot_groups_stay_whole():
    groups = ((0, 3), (1, 4), (2, 5, 6))
    problem, rng = dense(OneHot(groups), 7), np.random.default_rng(0)
    blocks = list(partition(problem, 4, rng))
    assert sorted(np.concatenate(blocks).tolist()) == list(range(7))
    assert all(set(g) <= set(b) or not set(g) & set(b) for b in blocks for g in groups)


def test_a_group_larger_than_a_block_is_refused():
    with pytest.raises(CapacityError, match="raise block"):
        solve(dense(OneHot(((0, 1, 2),)), 3), "decompose", seed=0, block=2, inner="exact")


@pytest.mark.parametrize("neighbours", [False, True])
def test_the_objective_never_rises_and_ends_block_optimal(neighbours):
    """With exact blocks of two thirds of the variables the optimum itself is reached here."""
    problem = ClientSelection(clients=12, choose=4).draw(np.random.default_rng(2))
    options = {"block": 8, "inner": "exact", "start": "random", "neighbours": neighbours}
    decision = solve(problem, "decompose", seed=1, **options)
    assert decision.feasible
    assert decision.energy <= decision.diagnostics["start_energy"]
    assert decision.energy == pytest.approx(spectrum(problem).optimum, abs=1e-9)


def test_more_variables_than_any_device_has():
    """Twelve clients in four slots: 48 variables, at most 16 at a time."""
    problem = AggregationSchedule(clients=12, slots=4, capacity=4).draw(np.random.default_rng(0))
    decision = solve(problem, "decompose", seed=0, block=16, inner="exact", max_sweeps=4)
    assert decision.feasible
    assert decision.diagnostics["blocks"] >= 3


def test_a_quantum_block_decides_for_forty_clients():
    problem = ClientSelection(clients=40, choose=8).draw(np.random.default_rng(0))
    qaoa = {"shots": 16, "depth": 2, "schedule": "transfer"}
    decision = solve(problem, "decompose", seed=0, block=10, inner_options=qaoa, start="random")
    assert decision.feasible
    assert decision.bill.qubits == 10
    assert decision.energy < decision.diagnostics["start_energy"]


@pytest.mark.parametrize(
    "options",
    [{"inner": "decompose"}, {"start": "decompose"}, {"block": 1}, {"inner": "random_best"}],
)
def test_bad_options_are_refused(options):
    with pytest.raises(ConfigError):
        Decompose(**{"inner": "exact", **options})
