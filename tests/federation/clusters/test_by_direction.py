"""Clusters by the directions of changes: divided once, late clients placed."""

from itertools import pairwise

import numpy as np
import pytest
from small import federation, planted

from qfl.core.errors import ConfigError
from qfl.core.events import UNDIVIDED
from qfl.federation.clusters.by_direction import ByDirection, Directions, grouped
from qfl.federation.engine import LocalTraining


def founded(seed=0, **options):
    return federation(
        population=planted(seed=seed),
        training=LocalTraining(epochs=3),
        modules={"head:*": {"placement": "cluster"}},
        seed=seed,
        **{"division": ByDirection(), "rounds": 6, **options},
    )


def groups(members):
    even, odd = ({members[f"client-0{i}"] for i in range(at, 6, 2)} for at in (0, 1))
    return len(even) == len(odd) == 1 and even != odd


@pytest.mark.parametrize("seed", range(6))
def test_the_planted_groups_are_found_and_gain(seed):
    records = list(founded(seed).play())
    assert groups(records[3].clusters.members)
    assert records[3].clusters.members["client-00"] == "0"
    assert records[-1].metrics["score@personal"] > 0.4


def test_directions_of_other_clients_find_other_groups(monkeypatch):
    """Mutation: the directions are what finds them."""
    inner = Directions.heard

    def shuffled(self, told, directions, round_index):
        order = dict(zip(sorted(directions), (0, 2, 1, 4, 3, 5), strict=True))
        moved = {order[client]: found for client, found in directions.items()}
        return inner(self, told, moved, round_index)

    monkeypatch.setattr(Directions, "heard", shuffled)
    assert not groups(list(founded(rounds=3).play())[3].clusters.members)


def test_nobody_is_divided_before_it_is_time_or_enough_were_heard():
    records = list(founded(division=ByDirection(after=4)).play())
    undivided = [set(r.clusters.members.values()) == {UNDIVIDED} for r in records]
    assert undivided == [True, True, True, True, False, False, False]
    alone = list(founded(division=ByDirection(after=1), clients_per_round=1, rounds=2).play())
    assert set(alone[1].clusters.members.values()) == {UNDIVIDED}


def test_who_is_first_heard_later_joins_the_cluster_that_points_its_way():
    """With four of six in a round, the others stay on the undivided copy until they are heard."""
    options = {"division": ByDirection(after=1), "clients_per_round": 4, "rounds": 8}
    records = list(founded(2, **options).play())
    assert list(records[1].clusters.members.values()).count(UNDIVIDED) == 2
    assert groups(records[-1].clusters.members)
    for before, after in pairwise(records):
        for client, copies in after.clusters.downloaded.items():
            assert copies == (before.clusters.members[client],)


def east(*numbers):
    return {"m": np.array(numbers, dtype=float)}


def test_late_clients_are_placed_by_their_angle():
    """Exact, by hand: the founders are east and west of their mean."""
    book = Directions(ByDirection(after=1), range(5))
    founders = {0: east(1.0, 0.2), 1: east(-1.0, 0.2), 2: east(0.9, 0.2)}
    assert book.heard({0: UNDIVIDED, 1: UNDIVIDED, 2: UNDIVIDED}, founders, 1) == {
        "0": UNDIVIDED,
        "1": UNDIVIDED,
    }
    assert [book.members[i] for i in range(5)] == ["0", "1", "0", UNDIVIDED, UNDIVIDED]
    later = {**founders, 3: east(-0.5, 0.1), 4: {}}
    assert book.heard({3: UNDIVIDED, 4: UNDIVIDED}, later, 2) == {}
    assert [book.members[i] for i in (3, 4)] == ["1", UNDIVIDED]


def test_a_common_direction_does_not_hide_what_sets_clients_apart():
    """All go far the same way, and a little apart: their raw angles are all small."""
    apart = [east(1.0, 0.05 * sign) for sign in (1, -1, 1, -1)]
    assert grouped(apart, 2) == [0, 1, 0, 1]
    assert grouped(apart[:1], 1) == [0]


@pytest.mark.parametrize("options", [{"count": 0}, {"after": 0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigError, match="allowed: at least 1"):
        ByDirection(**options)
