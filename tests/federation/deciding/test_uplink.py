"""Slots move the clock and nothing else, and a better schedule is a shorter round."""

import itertools

import numpy as np
import pytest

from qfl.core.errors import ProblemError
from qfl.federation.deciding.uplink import Scheduler, SharedUplink, Upload, finish_seconds
from qfl.problems.slots import SlotGrid, aggregation_schedule
from qfl.solvers.exact import Exact

UPLOADS = [
    Upload(name, ready, 1.0) for name, ready in zip("abcd", (0.0, 0.1, 0.2, 0.3), strict=True)
]
CLASH = np.zeros((4, 4))
CLASH[0, 1] = CLASH[1, 0] = CLASH[2, 3] = CLASH[3, 2] = 1.0


def propose(*, slots, seconds, capacity, **options):
    return aggregation_schedule(
        grid=SlotGrid(slots=slots, seconds=seconds, capacity=capacity), **options
    )


def scheduler(slots, capacity, loss=1.0):
    uplink = SharedUplink(uplink_slots=slots, uplink_capacity=capacity, interference_loss=loss)
    return Scheduler(uplink=uplink, propose=propose, solver=Exact())


def test_the_exact_schedule_keeps_interfering_clients_apart():
    problem, decision = scheduler(2, 2).decide(UPLOADS, CLASH, rng=np.random.default_rng(0))
    slots = problem.decode(problem.names, decision.x)
    assert slots["a"] != slots["b"]
    assert slots["c"] != slots["d"]


def test_no_feasible_schedule_is_quicker_here():
    """The surrogate's optimum against every schedule of two slots of two."""
    best = min(
        max(finish_seconds(UPLOADS, dict(zip("abcd", s, strict=True)), CLASH, loss=1.0).values())
        for s in itertools.product((0, 1), repeat=4)
        if s.count(0) == 2
    )
    problem, decision = scheduler(2, 2).decide(UPLOADS, CLASH, rng=np.random.default_rng(0))
    slots = problem.decode(problem.names, decision.x)
    assert max(finish_seconds(UPLOADS, slots, CLASH, loss=1.0).values()) == pytest.approx(best)


def test_a_slot_waits_for_its_clients_and_for_the_slot_before():
    uploads = [Upload("a", 5.0, 1.0), Upload("b", 0.0, 1.0), Upload("c", 0.0, 4.0)]
    finished = finish_seconds(uploads, {"a": 1, "b": 0, "c": 0}, np.zeros((3, 3)), loss=1.0)
    assert finished == {"b": 4.0, "c": 4.0, "a": 6.0}


def test_interference_prolongs_by_its_share():
    finished = finish_seconds(UPLOADS[:2], {"a": 0, "b": 0}, CLASH[:2, :2], loss=0.5)
    assert finished == {"a": pytest.approx(1.6), "b": pytest.approx(1.6)}


def test_more_uploads_than_room_is_one_sentence():
    with pytest.raises(ProblemError, match="4 uploads do not fit into 1 slots of 2"):
        scheduler(1, 2).decide(UPLOADS, CLASH, rng=np.random.default_rng(0))
