"""Turns: without a shared uplink the slowest client ends the round, with one the last slot does."""

from types import SimpleNamespace

import numpy as np
import pytest

from qfl.core.record import Costs
from qfl.federation.deciding.uplink import Upload
from qfl.federation.steps.turns import take_turns
from qfl.federation.steps.visit import Visit
from qfl.network.links import Interference
from qfl.solvers.exact import spectrum
from tests.federation.deciding.test_uplink import scheduler

CHOSEN = [SimpleNamespace(index=index) for index in (3, 0, 2)]
FREE = Interference.none(4)


def visit(name, ready, upload):
    whole = Costs(virtual_seconds=ready + (upload or 0.0))
    waiting = None if upload is None else Upload(name, ready, upload)
    return Visit(name, None, whole, upload=waiting)


VISITS = [visit("a", 1.0, 2.0), visit("b", 1.0, 2.0), visit("c", 0.5, None)]


def turns(visits, slots=None, interference=FREE):
    return take_turns(
        CHOSEN,
        visits,
        scheduler=slots,
        interference=interference,
        measure=spectrum,
        rng=np.random.default_rng(0),
    )


def test_side_by_side_a_round_lasts_as_long_as_its_slowest_client():
    found = turns(VISITS)
    assert (found.seconds, found.choice) == (3.0, None)


def test_in_slots_of_one_the_second_upload_waits_for_the_first():
    found = turns(VISITS, scheduler(slots=2, capacity=1))
    assert found.seconds == 5.0
    assert found.choice is not None


def test_interference_is_looked_up_by_participant_and_not_by_place():
    """Clients 3 and 0 disturb each other; among places 0 and 1, nobody would."""
    near = Interference(np.array([[0.0, 0.0], [9.0, 9.0], [5.0, 5.0], [0.1, 0.0]]), radius=0.2)
    far = Interference(np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [9.0, 9.0]]), radius=0.2)
    together = scheduler(slots=1, capacity=2)
    assert turns(VISITS, together, near).seconds == pytest.approx(5.0)
    assert turns(VISITS, together, far).seconds == pytest.approx(3.0)


def test_a_client_that_sent_nothing_can_still_be_the_last():
    late = [*VISITS[:2], visit("c", 60.0, None)]
    assert turns(late, scheduler(slots=2, capacity=1)).seconds == 60.0


def test_with_nothing_to_upload_nobody_decides():
    silent = [visit(name, 1.0, None) for name in "abc"]
    assert turns(silent, scheduler(slots=2, capacity=1)).choice is None
