"""Modalities and tasks are dealt out as asked, and nobody is left with nothing."""

from itertools import product

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.data.coverage import (
    coverage,
    matrix,
    modality_availability,
    patterns,
    single_pairs,
    task_assignment,
    uneven,
)

NAMES = ["audio", "image", "text"]


def draw(seed=0):
    return np.random.default_rng(seed)


def test_coverage_uses_every_pattern_equally_often():
    held = coverage(["image", "profile"], ["a", "b"], clients=18, rng=draw(3))
    assert len(set(held)) == 9
    assert all(held.count(pattern) == 2 for pattern in held)


def test_patterns_differ_and_have_every_pair():
    for seed in range(20):
        drawn = patterns(NAMES, ["x", "y"], count=5, rng=draw(seed))
        assert len(set(drawn)) == 5
        assert {pair for held in drawn for pair in product(*held)} == set(product(NAMES, "xy"))


@pytest.mark.parametrize(("m", "t"), [(1, 1), (2, 5), (3, 4), (4, 2), (3, 3)])
def test_single_pairs_leave_no_modality_and_no_task_out(m, t):
    modalities, tasks = "abcd"[:m], "vwxyz"[:t]
    everything = single_pairs(modalities, tasks, count=m * t)
    assert len(set(everything)) == m * t
    for count in range(max(m, t), m * t + 1):
        some = single_pairs(modalities, tasks, count=count)
        assert some == everything[:count]
        assert {one for ((one,), _) in some} == set(modalities)
        assert {one for (_, (one,)) in some} == set(tasks)


def test_each_client_has_a_modality_with_the_probability_asked():
    """4,000 draws: the share of holders, given that nobody is empty, within 4.5 standard errors
    (false alarm < 1e-5)."""
    held = modality_availability(NAMES, clients=4000, probability=0.5, rng=draw())
    expected = 0.5 / (1 - 0.5**3)
    error = np.sqrt(expected * (1 - expected) / 4000)
    assert np.abs(matrix(held, NAMES).mean(0) - expected).max() < 4.5 * error
    assert min(map(len, held)) == 1


def test_patterns_are_dealt_out_equally_often():
    patterns = [("audio",), ("image", "text")]
    held = modality_availability(NAMES, clients=10, patterns=patterns, rng=draw())
    assert [held.count(pattern) for pattern in patterns] == [5, 5]
    assert task_assignment(NAMES, clients=3, patterns=patterns[:1], rng=draw()) == [("audio",)] * 3


@pytest.mark.parametrize("alpha", [0.05, 1.0])
def test_uneven_patterns_leave_no_name_without_a_holder(alpha):
    patterns = [("audio", "image"), ("audio",), ("image",)]
    for seed in range(200):
        held = uneven(patterns, clients=4, alpha=alpha, rng=draw(seed))
        assert matrix(held, ["audio", "image"]).sum(0).min() >= 1


def test_small_alpha_means_that_one_pattern_is_nearly_everybodys():
    """Mean share of the commonest of three patterns, 300 draws each: the two lie far apart."""
    patterns = [("audio", "image", "text"), ("audio",), ("image",)]

    def commonest(alpha):
        draws = [uneven(patterns, clients=30, alpha=alpha, rng=draw(s)) for s in range(300)]
        return np.mean([max(held.count(p) for p in patterns) / 30 for held in draws])

    assert commonest(0.1) > 0.8
    assert commonest(100.0) < 0.5


@pytest.mark.parametrize("per_client", [1, 2, 3])
def test_every_task_has_equally_many_clients(per_client):
    held = task_assignment(NAMES, clients=6, per_client=per_client, rng=draw())
    assert matrix(held, NAMES).sum(0).tolist() == [2 * per_client] * 3
    assert {len(own) for own in held} == {per_client}
    assert all(list(own) == sorted(own) for own in held)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: modality_availability(NAMES, clients=2, probability=0.0, rng=draw()), "above 0"),
        (lambda: modality_availability(NAMES, clients=2, patterns=[()], rng=draw()), "one or more"),
        (lambda: task_assignment(NAMES, clients=2, patterns=[("x",)], rng=draw()), "one or more"),
        (lambda: task_assignment(NAMES, clients=2, per_client=4, rng=draw()), "1 to 3"),
        (lambda: patterns(NAMES, ["x"], count=8, rng=draw()), "1 to all"),
        (lambda: patterns(NAMES, ["x"], count=0, rng=draw()), "1 to all"),
        (lambda: patterns(list("abcdefgh"), ["x", "y"], count=1, rng=draw()), "more patterns"),
        (lambda: single_pairs(NAMES, ["x"], count=2), "allowed: 3"),
        (lambda: single_pairs(NAMES, ["x"], count=4), "to 3"),
        (lambda: uneven([("a",)], clients=2, alpha=0.0, rng=draw()), "above 0"),
        (lambda: uneven([("a",), ("b",)], clients=1, alpha=1.0, rng=draw()), "raise alpha"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        wrong()
