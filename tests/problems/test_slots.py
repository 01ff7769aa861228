"""Schedules: the objective is waiting plus interference, and what cannot work is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.errors import ProblemError
from qfl.problems.slots import (
    AggregationSchedule,
    SlotGrid,
    aggregation_schedule,
    finish_seconds,
)
from qfl.solvers.exact import spectrum


@pytest.mark.property
@settings(deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 4), slots=st.integers(1, 3))
def test_energy_is_weighted_finish_time_plus_interference(seed, n, slots):
    rng = np.random.default_rng(seed)
    grid = SlotGrid(slots=slots, seconds=0.5, capacity=max(1, n - 1) if slots > 1 else None)
    weight, loss = rng.random(n), rng.random((n, n))
    loss = loss + loss.T
    deadline = rng.uniform(0.5, 0.5 * slots, size=n)
    deadline[0] = 0.5 * slots  # one more than a slot takes must not all be in a hurry
    problem = aggregation_schedule(grid=grid, weight=weight, interference=loss, deadline=deadline)
    for x in np.concatenate([*problem.constraint.enumerate(problem.n)]):
        slot = problem.decode(problem.names, x)
        finish = finish_seconds(slot, grid)
        names = list(slot)
        expected = sum(weight[i] * finish[name] for i, name in enumerate(sorted(names)))
        expected += sum(
            loss[i, j]
            for i in range(n)
            for j in range(i + 1, n)
            if slot[f"client-{i:02d}"] == slot[f"client-{j:02d}"]
        )
        assert float(problem.qubo.energy(x)) == pytest.approx(expected, abs=1e-12)
        assert all(finish[f"client-{i:02d}"] <= deadline[i] + 1e-9 for i in range(n))
        assert np.bincount(list(slot.values())).max() <= (grid.capacity or n)


def test_the_makespan_optimum_uses_as_few_slots_as_capacity_allows():
    for n, capacity, expected in [(5, 2, 3), (6, 3, 2), (4, 4, 1)]:
        problem = aggregation_schedule(
            grid=SlotGrid(slots=4, capacity=capacity), weight=np.ones(n), objective="makespan"
        )
        slots = problem.decode(problem.names, spectrum(problem).x)
        assert 1 + max(slots.values()) == expected


def test_the_makespan_optimum_equals_brute_force_over_makespans():
    """With unequal deadlines and capacity 2: the last used slot is as early as possible."""
    problem = aggregation_schedule(
        grid=SlotGrid(slots=3, capacity=2),
        weight=[1.0, 0.2, 5.0, 1.0, 1.0],
        deadline=[3, 1, 1, 3, 2],
        objective="makespan",
    )
    last = [
        max(problem.decode(problem.names, x).values())
        for x in np.concatenate([*problem.constraint.enumerate(problem.n)])
    ]
    assert max(problem.decode(problem.names, spectrum(problem).x).values()) == min(last)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("clients", "slots", "qubits", "subspace"), [(6, 3, 18, 729), (4, 4, 16, 256)]
)
def test_one_hot_sizes(clients, slots, qubits, subspace):
    """Source: counting."""
    problem = aggregation_schedule(grid=SlotGrid(slots=slots), weight=np.ones(clients))
    assert problem.n == qubits
    assert problem.constraint.feasible_count(qubits) == subspace


GRID = SlotGrid(slots=2, capacity=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": [1.0, -1.0]}, "weight must be >= 0"),
        ({"weight": [1.0, np.nan]}, r"weight\[1\] must be finite"),
        ({"weight": [1.0, 1.0], "interference": [[0, -1], [-1, 0]]}, "interference must be >= 0"),
        ({"weight": [1.0, 1.0], "interference": np.zeros((3, 3))}, r"shape \(2, 2\)"),
        ({"weight": [1.0, 1.0], "deadline": [2.0, 0.5]}, "client 1 has deadline 0.5 s"),
        ({"weight": [1.0, 1.0], "objective": "max"}, "allowed: weighted_finish, makespan"),
        ({"weight": [1.0, 1.0], "names": ("a",)}, "2 clients need as many names"),
        ({"weight": [1.0] * 3}, "3 clients must upload in the first 2 slots of capacity 1"),
        ({"weight": [1.0, 1.0], "deadline": [1.0, 1.0]}, "2 clients must upload in the first 1"),
    ],
)
def test_bad_input_is_one_clear_error(options, message):
    with pytest.raises(ProblemError, match=message):
        aggregation_schedule(grid=GRID, **options)


@pytest.mark.parametrize("bad", [{"slots": 0}, {"slots": 2, "seconds": 0.0}, {"slots": 2.5}])
def test_a_senseless_grid_is_refused(bad):
    with pytest.raises(ProblemError):
        SlotGrid(**bad)


def test_too_many_slots_for_an_exact_makespan_are_refused():
    with pytest.raises(ProblemError, match="fewer slots"):
        aggregation_schedule(grid=SlotGrid(slots=20), weight=np.ones(20), objective="makespan")


def test_drawn_instances_are_feasible_and_repeat():
    family = AggregationSchedule(clients=5, slots=3, capacity=2)
    one, two = (family.draw(np.random.default_rng(4)) for _ in range(2))
    assert one.hash == two.hash
    assert one.constraint.feasible_count(one.n) > 0
    full = AggregationSchedule(clients=6, slots=3, capacity=2)
    for seed in range(5):
        problem = full.draw(np.random.default_rng(seed))
        assert problem.constraint.feasible_count(problem.n) > 0


def test_a_family_without_room_is_refused_before_anything_is_drawn():
    with pytest.raises(ProblemError, match="7 clients must upload in the first 3 slots"):
        AggregationSchedule(clients=7, slots=3, capacity=2)
