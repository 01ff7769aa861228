"""Rules in place of the mean: module by module, over changes, and never with too few of them."""

import numpy as np
import pytest
import torch
from small import DIGITS

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.averaging.defence import (
    Bounded,
    Centre,
    Counting,
    Defence,
    Trusting,
    clean_samples,
)

STATE = {"head:*:a": {"w": torch.tensor([1.0, 2.0])}, "head:*:b": {"w": torch.tensor([5.0])}}


def sent(a=None, b=None):
    """An update that moves the modules by so much."""
    moved = {"head:*:a": a, "head:*:b": b}
    modules = {
        module: {"w": STATE[module]["w"].numpy() + np.float32(change)}
        for module, change in moved.items()
        if change is not None
    }
    return Update(modules, dict.fromkeys(modules, 10))


def changes(rule, updates, teach=None):
    """Module -> by how much its first number was moved, and what was left out."""
    state, left_out = Defence(rule, teach).aggregate(STATE, updates)
    return {m: round(float(t["w"][0] - STATE[m]["w"][0]), 5) for m, t in state.items()}, left_out


def test_a_rule_sees_changes_of_a_modules_holders_alone():
    found, left_out = changes(Centre("median"), [sent(a=1.0), sent(a=2.0, b=3.0), sent(a=90.0)])
    assert found == {"head:*:a": 2.0, "head:*:b": 3.0}
    assert left_out == {}


def test_all_rows_count_alike_whatever_they_say_of_their_samples():
    heavy = Update(sent(a=8.0).modules, {"head:*:a": 10**6})
    found, _ = changes(Centre("mean"), [sent(a=0.0), heavy])
    assert found["head:*:a"] == 4.0


@pytest.mark.parametrize(
    ("rule", "least"),
    [("trimmed_mean", 3), ("krum", 5), ("multi_krum", 5), ("bulyan", 7)],
)
def test_with_one_change_too_few_a_module_stays_and_with_enough_it_moves(rule, least):
    counting = Counting(rule, corrupted=1)
    assert counting.least() == least
    updates = [sent(a=1.0) for _ in range(least)]
    assert changes(counting, updates) == ({"head:*:a": 1.0, "head:*:b": 0.0}, {})
    found, left_out = changes(counting, updates[1:])
    assert found["head:*:a"] == 0.0
    assert left_out == {
        "head:*:a": f"{least - 1} changes of it arrived, {rule} needs {least}",
    }


def test_a_bound_is_on_each_row_and_not_on_their_mean():
    found, _ = changes(Bounded("norm_bounded_mean", bound=1.0), [sent(b=100.0), sent(b=0.5)])
    assert found["head:*:b"] == 0.75


def test_a_server_that_learnt_nothing_trusts_nobody_and_one_that_did_trusts_its_direction():
    assert changes(Trusting("fltrust"), [sent(b=2.0)], lambda state: state)[0]["head:*:b"] == 0

    def taught(state):
        return {module: {"w": tensors["w"] + 1.0} for module, tensors in state.items()}

    found, _ = changes(Trusting("fltrust"), [sent(b=50.0), sent(b=-50.0)], taught)
    assert found["head:*:b"] == 1.0


def test_samples_of_the_server_are_drawn_from_those_that_nobody_trains_on():
    spare = DIGITS.spare
    drawn = clean_samples(spare, 7, rng=np.random.default_rng(0))
    pool = {row.tobytes() for row in spare.inputs["profile"]}
    rows = {row.tobytes() for row in drawn.inputs["profile"].numpy()}
    assert len(drawn) == 7
    assert rows <= pool
    again = clean_samples(spare, 7, rng=np.random.default_rng(1))
    assert not torch.equal(again.inputs["profile"], drawn.inputs["profile"])


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (Counting, {"corrupted": -1}),
        (Bounded, {"bound": 0.0}),
        (Bounded, {"bound": float("inf")}),
        (Trusting, {"server_samples": 0}),
    ],
)
def test_options_that_make_no_sense_are_refused(rule, options):
    [(name, value)] = options.items()
    with pytest.raises(ConfigError, match=f"{name} is {value!r}; allowed"):
        rule("any", **options)
