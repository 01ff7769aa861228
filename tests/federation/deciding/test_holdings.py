"""Pairs of a modality and a task: counted as held, told apart, and never left waiting for ever."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import small
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.rng import Streams
from qfl.federation.deciding.holdings import Coverage, Holdings, Trainings
from qfl.federation.deciding.selection import SelectionWeights
from qfl.problems import client_selection
from qfl.report.runs.participation import rounds_until_trained
from qfl.solvers.exact import Exact

VECTOR, IMU, SERIES = small.MODALITIES
HELD = {0: ((VECTOR,), small.TASKS[:1]), 1: ((VECTOR, IMU), small.TASKS[:2])}


def holdings(*rows):
    rows = np.array(rows, dtype=float)
    return Holdings(tuple((f"m{k}", "t") for k in range(rows.shape[1])), rows)


def test_clients_hold_the_pairs_of_their_modalities_and_tasks():
    found = Holdings.of(small.population(3, held=HELD).clients)
    assert set(found.pairs) == set(product(small.MODALITIES, small.TASKS))
    own = [{p for p, s in zip(found.pairs, row, strict=True) if s} for row in found.shares]
    assert own[0] == {(VECTOR, "task_0")}
    assert own[1] == set(product((VECTOR, IMU), ("task_0", "task_1")))
    assert set(found.shares[2]) == {1.0}


def test_a_pair_counts_as_often_as_samples_have_both():
    [client, *_] = small.population(2).clients
    n = len(client.train)
    first, second = np.arange(n) % 2 == 0, np.arange(n) % 4 != 0
    train = replace(client.train, available={VECTOR: first}, labelled={"task_1": second})
    found = Holdings.of([replace(client, train=train)])
    shares = dict(zip(found.pairs, found.shares[0], strict=True))
    assert shares[VECTOR, "task_0"] == first.mean()
    assert shares[VECTOR, "task_1"] == (first & second).mean()
    assert shares[IMU, "task_1"] == second.mean()
    assert shares[IMU, "task_0"] == 1
    gone = replace(client.train, available={VECTOR: np.zeros(n, bool)})
    bare = Holdings.of([replace(client, train=gone)])
    assert VECTOR not in {modality for modality, _ in bare.pairs}


def test_overlap_is_the_jaccard_index_of_pairs():
    overlap = holdings([1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]).overlap()
    assert overlap[0].tolist() == [0, 0.5, 0, 1]
    np.testing.assert_array_equal(overlap, overlap.T)
    assert not np.diagonal(overlap).any()
    partly = holdings([0.5, 1.0], [1.0, 0.5]).overlap()
    assert partly[0, 1] == pytest.approx(1.0 / 2.0)


def test_a_client_waits_as_long_as_its_most_neglected_pair():
    found = holdings([1, 0, 0], [1, 1, 0], [0, 0, 1])
    assert found.waiting({}, 4).tolist() == [4, 4, 4]
    assert found.waiting({1: 3}, 4).tolist() == [1, 1, 4]
    assert found.waiting({0: 3, 2: 1}, 4).tolist() == [1, 4, 3]


def longest_wait(shares, *, choose, coverage, rng, rounds=60):
    """The most rounds that any pair waited, under whims of the other terms in 0..1 and an optimal
    decision in every round; pairs still waiting at the end count too."""
    n, (held, last, longest) = len(shares), (shares > 0, {}, 0)
    found = holdings(*shares)
    trained = np.zeros(shares.shape[1], dtype=int)
    for round_index in range(1, rounds + 1):
        redundancy = rng.uniform(-1, 1, (n, n))
        waiting = found.waiting(last, round_index)
        problem = client_selection(
            utility=rng.random() * np.linspace(1, 0, n) + coverage * waiting * choose / n,
            redundancy=(redundancy + redundancy.T) / 2,
            choose=choose,
            redundancy_weight=0.2,
        )
        chosen = np.flatnonzero(Exact().solve(problem, rng=rng).x)
        last |= dict.fromkeys(map(int, chosen), round_index)
        longest = max(longest, int((round_index - trained).max()))
        trained[held[chosen].any(0)] = round_index
    return longest


@pytest.mark.property
@given(
    st.integers(3, 7), st.integers(1, 5), st.integers(1, 3), st.floats(0.2, 3), st.integers(0, 9999)
)
def test_with_coverage_no_pair_waits_for_ever(clients, pairs, choose, coverage, seed):
    """However little coverage weighs: with the other terms within R of each other (1 of utility
    and 2 x .2 x (K - 1) of redundancy), D = R N / (K w) and P pairs, no pair waits longer than
    D + P rounds. Proof: while a pair waits longer than D, each decision trains one that has waited
    at least as long less D, and each of the others can be that one only once."""
    rng = np.random.default_rng(seed)
    shares = (rng.random((clients, pairs)) < 0.4).astype(float)
    shares[rng.integers(clients, size=pairs), np.arange(pairs)] = 1
    shares[shares.sum(1) == 0, 0] = 1
    range_of_others = 1 + 2 * 0.2 * (choose - 1)
    bound = range_of_others * clients / (choose * coverage) + pairs
    rounds = int(bound) + 20
    assert longest_wait(shares, choose=choose, coverage=coverage, rng=rng, rounds=rounds) <= bound


def test_without_coverage_a_pair_of_an_unloved_client_is_never_trained():
    """The mutation of the test above."""
    shares = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    rng = np.random.default_rng(0)
    assert longest_wait(shares, choose=1, coverage=0.0, rng=rng, rounds=60) == 60
    assert longest_wait(shares, choose=1, coverage=0.5, rng=rng, rounds=60) <= 4 / 0.5 + 2


def test_a_federation_with_coverage_trains_every_pair_and_says_when():
    """Three of eight clients hold a task alone; the others are preferred for their many samples."""
    rare = {5: ((SERIES,), ("task_3",)), 6: ((IMU,), ("task_2",)), 7: ((VECTOR,), ("task_0",))}
    common = dict.fromkeys(range(5), ((VECTOR, IMU), ("task_1",)))
    members = small.population(8, held=common | rare)
    small_ones = tuple(
        replace(client, train=client.train.take(np.arange(10))) if place >= 5 else client
        for place, client in enumerate(members.clients)
    )
    members = replace(members, clients=small_ones)

    def rounds(coverage):
        weights = SelectionWeights(
            loss=0, staleness=0, samples=1, redundancy=0, latency=0, coverage=coverage
        )
        played = small.found(members, choose=2, rounds=9, solver=Exact(), weights=weights)
        return rounds_until_trained(list(played.play()))

    assert rounds(0.0) is None
    assert rounds(0.5) <= 8


def test_coverage_is_that_of_the_rarest_modality_among_the_chosen():
    complete = small.population(3, samples=720).clients
    assert Coverage(complete).note([0, 1]) == {}
    n = len(complete[0].train)
    masks = [{VECTOR: np.zeros(n, bool)}, {IMU: np.arange(n) % 4 == 0}, {}]
    assert {len(c.train) for c in complete} == {n}
    clients = [
        replace(c, train=replace(c.train, available=own))
        for c, own in zip(complete, masks, strict=True)
    ]
    coverage = Coverage(clients)
    first = coverage.note([0, 2])["modality_coverage"]
    assert first == pytest.approx(0.5)  # nobody but client 2 has the vector
    second = masks[1][IMU].mean()  # client 1 alone: a fourth has the motion
    assert coverage.note([1])["modality_coverage"] == pytest.approx((0.5 + second) / 2)


def test_rounds_record_the_coverage_where_samples_lack_modalities():
    members = small.population(3)
    n = len(members.clients[0].train)
    lacking = replace(members.clients[0].train, available={VECTOR: np.zeros(n, bool)})
    clients = (replace(members.clients[0], train=lacking), *members.clients[1:])
    records = list(small.found(replace(members, clients=clients), rounds=1).play())
    sizes = [len(c.train) for c in clients]
    expected = sum(sizes[1:]) / sum(sizes)
    assert records[1].metrics["modality_coverage"] == pytest.approx(expected)
    plain = list(small.found(members, rounds=1).play())
    assert "modality_coverage" not in plain[1].metrics


def test_the_rarest_pair_is_trained_in_the_rounds_that_a_holder_delivers():
    """Two holders in one round count once; what the federation before this one trained counts."""
    clients = small.population(3, held=HELD | {2: ((IMU,), small.TASKS[2:3])}).clients
    names = [client.name for client in clients]
    counted = Trainings(clients)
    assert [counted.note(who) for who in (names[:2], names[:1], names[1:], ())] == [0, 0, 1, 1]
    assert counted.rounds[VECTOR, "task_0"] == 3
    assert Trainings(clients, counted.rounds).note(names) == 2
    assert Trainings(small.population(3).clients).note(["client-00"]) is None


@pytest.mark.parametrize("seed", range(4))
def test_the_count_of_a_run_is_that_from_its_records(seed):
    """The run counts as it goes; the report counts who delivered what they declared."""
    held = {k: ((m,), (t,)) for k, (m, t) in enumerate(product(small.MODALITIES, small.TASKS[:2]))}
    members = small.population(6, held=held)
    records = list(small.found(members, choose=3, rounds=12, streams=Streams(seed)).play())
    known = [r.least_trained for r in records[1:]]
    assert known[-1] >= 1
    for times in range(1, known[-1] + 2):
        first = next((r.round for r in records[1:] if r.least_trained >= times), None)
        assert rounds_until_trained(records, times) == first


def test_a_holder_that_does_not_deliver_trains_nothing():
    """The mutation of the test above: the count follows deliveries, not choices."""
    held = {0: ((VECTOR,), small.TASKS[:1]), 1: ((IMU,), small.TASKS[:1])}
    clients = small.population(2, held=held).clients
    assert Trainings(clients).note(["client-00", "client-01"]) == 1
    assert Trainings(clients).note(["client-00"]) == 0
