"""Cells become federations: schedules move time only, and every registered part can be wired."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from qfl.core.cell import Cell
from qfl.core.errors import StudyError
from qfl.federation.training import cohort
from qfl.study import Study, cells
from qfl.study.assemble import assemble, play


def study(**changes):
    plain = {
        "name": "wired",
        "title": "Wired",
        "question": "?",
        "hypothesis": "!",
        "seeds": 1,
        "scenario": {"name": "digits", "clients": 9},
        "federation": {"algorithm": "fedavg", "rounds": 2, "clients_per_round": 4},
        "selection": {"problem": "client_selection"},
        "channel": {"name": "plain"},
        "methods": [{"solver": "greedy"}],
        "headline": {
            "metric": "digit.accuracy",
            "target": 0.5,
            "method": "greedy",
            "baseline": "greedy",
        },
    }
    return Study(**{**plain, **changes})


def shared(**method):
    federation = {
        "algorithm": "fedavg",
        "rounds": 2,
        "clients_per_round": 4,
        "uplink_slots": 3,
        "uplink_capacity": 2,
    }
    return study(federation=federation, methods=[{"solver": "greedy", **method}])


def played(made):
    [cell] = cells(made)
    return list(play(cell))


def test_slots_change_the_clock_and_not_the_learning():
    """Exact: with the same choices, schedules differ in time alone."""
    alone = played(study())
    qaoa = {"solver": "qaoa", "shots": 16, "depth": 2}
    solvers = ({"solver": "random"}, {"solver": "exact"}, qaoa)
    runs = [played(shared(slots=slots)) for slots in solvers]
    for run in runs:
        assert [r.metrics for r in run] == [r.metrics for r in alone]
        assert all(r.slots is not None and r.slots.feasible for r in run[1:])
        assert all(
            after.costs.virtual_seconds >= before.costs.virtual_seconds
            for before, after in zip(alone, run, strict=True)
        )
    by_chance, exact, by_qaoa = (sum(r.slots.energy for r in run[1:]) for run in runs)
    assert exact <= by_qaoa
    assert exact < by_chance


def test_enumeration_schedules_if_nobody_is_named():
    assert [r.slots for r in played(shared())] == [
        r.slots for r in played(shared(slots={"solver": "exact"}))
    ]


def test_a_cell_read_back_from_its_identity_plays_the_same():
    [cell] = cells(shared(slots={"solver": "greedy"}))
    again = Cell.from_identity(cell.identity())
    assert again.id == cell.id
    numbers = [[r.to_dict() | {"timings": None} for r in play(c)] for c in (cell, again)]
    assert numbers[0] == numbers[1]


def test_bad_uplinks_are_one_clear_message_each():
    with pytest.raises(StudyError, match="there is no shared uplink to schedule"):
        study(methods=[{"solver": "greedy", "slots": {"solver": "exact"}}])
    with pytest.raises(StudyError, match="1 slots x uplink_capacity 2 cannot take 4 uploads"):
        study(
            federation={
                "algorithm": "fedavg",
                "rounds": 1,
                "clients_per_round": 4,
                "uplink_slots": 1,
            }
        )
    with pytest.raises(StudyError, match=r"slots.solver: unknown solver 'gredy'.*'greedy'"):
        shared(slots={"solver": "gredy"})


def test_threads_change_no_record(monkeypatch):
    """Exact: Z7, the same bits for any number of workers, through a whole cell."""
    started = []

    class Watched(ThreadPoolExecutor):
        def __init__(self, threads):
            started.append(threads)
            super().__init__(threads)

    monkeypatch.setattr(cohort, "ThreadPoolExecutor", Watched)
    federation = {"algorithm": "fedavg", "rounds": 2, "clients_per_round": 42}
    scenario = {"name": "digits", "clients": 44, "held": "everything", "min_samples": 5}
    [cell] = cells(study(scenario=scenario, federation=federation))
    runs = [
        [r.to_dict() | {"timings": None} for r in play(cell, workers=workers)]
        for workers in (1, 2, 3)
    ]
    assert runs[0] == runs[1] == runs[2]
    assert started == [2, 2, 3, 3]


TAP = Path(__file__).parents[2] / "studies/tap.toml"


def world(cell):
    """What a cell's federation meets: who has which samples and devices, and the first weights."""
    found = assemble(cell)
    clients = [
        (
            sorted([*c.train.ids, *(c.validation.ids if c.validation else ())]),
            list(c.test.ids),
            (c.device, c.access),
        )
        for c in found.population.clients
    ]
    return clients, list(found.population.test.ids), found.model.flatten(found.state)


def same_world(left, right):
    (clients, test, weights), (others, tests, starts) = left, right
    return (
        clients == others
        and test == tests
        and weights.keys() == starts.keys()
        and all(torch.equal(weights[name], starts[name]) for name in weights)
    )


def test_all_methods_of_a_seed_meet_the_same_data_devices_and_weights():
    """The mutation is the next seed, which is another world."""
    study = Study.load(TAP)
    by_seed = {seed: [c for c in cells(study) if c.seed == seed] for seed in study.seeds[:2]}
    here, there = ({c.labels["method"]: c for c in found} for found in by_seed.values())
    first, *others = (world(cell) for cell in here.values())
    assert len(others) >= 14
    assert all(same_world(first, other) for other in others)
    assert not same_world(first, world(there["tap"]))
