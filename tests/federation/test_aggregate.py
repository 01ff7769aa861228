"""The mean over holders, its algebra, and what must not happen to a module nobody sent."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.errors import ModuleMismatchError
from qfl.core.update import Update
from qfl.federation.aggregate import ModuleSum, weighted_mean
from qfl.federation.fedavg import FedAvg

MODULES = ("encoder:image:*", "encoder:profile:*", "fusion:*:*", "head:*:digit")


@st.composite
def updates(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = []
    for _ in range(draw(st.integers(1, 7))):
        held = draw(st.sets(st.sampled_from(MODULES), min_size=1))
        made.append(
            Update(
                {
                    module: {
                        "weight": rng.normal(size=(3, 2)).astype(np.float32),
                        "bias": rng.normal(size=2).astype(np.float32),
                    }
                    for module in sorted(held)
                },
                {module: int(rng.integers(1, 500)) for module in held},
            )
        )
    return made


def plain_mean(sent, module, name):
    """The definition, written out."""
    holders = [u for u in sent if module in u.modules]
    total = sum(u.samples[module] for u in holders)
    return sum(u.samples[module] / total * u.modules[module][name].astype(float) for u in holders)


def assert_close(left, right):
    assert left.keys() == right.keys()
    for module in left:
        for name in left[module]:
            np.testing.assert_allclose(left[module][name], right[module][name], atol=1e-6)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(updates(), st.randoms(use_true_random=False))
def test_mean_over_holders_in_any_order_and_any_tree(sent, random):
    flat = weighted_mean(sent)
    for module in flat:
        for name in flat[module]:
            np.testing.assert_allclose(
                flat[module][name], plain_mean(sent, module, name), atol=1e-6
            )
    shuffled = random.sample(sent, len(sent))
    assert_close(weighted_mean(shuffled), flat)
    sums = [ModuleSum.of(update) for update in shuffled]
    while len(sums) > 1:  # a random tree
        i = random.randrange(len(sums) - 1)
        sums[i : i + 2] = [sums[i] + sums[i + 1]]
    assert_close(sums[0].mean(), flat)
    assert_close((ModuleSum.zero() + sums[0] + ModuleSum.zero()).mean(), flat)


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(updates())
def test_equal_data_weigh_exactly_one_over_n(sent):
    same = [Update(u.modules, dict.fromkeys(u.samples, 50)) for u in sent]
    mean = weighted_mean(same)
    for module in mean:
        holders = [u.modules[module]["bias"].astype(float) for u in same if module in u.modules]
        np.testing.assert_allclose(mean[module]["bias"], np.mean(holders, axis=0), atol=1e-6)


def test_a_mean_that_forgets_the_holders_would_fail():
    """The mutation: dividing by all clients instead of the holders gives another number."""
    ones = {"weight": np.ones((3, 2), np.float32), "bias": np.ones(2, np.float32)}
    sent = [
        Update({MODULES[0]: ones}, {MODULES[0]: 10}),
        Update({MODULES[1]: ones}, {MODULES[1]: 30}),
    ]
    assert (weighted_mean(sent)[MODULES[0]]["bias"] == 1).all()
    everyone = functools.reduce(ModuleSum.__add__, map(ModuleSum.of, sent))
    wrong = everyone.totals[MODULES[0]]["bias"] / sum(everyone.samples.values())
    assert not np.allclose(wrong, 1)


def test_a_module_nobody_sent_stays_as_it_was():
    state = {module: {"bias": torch.full((2,), 3.0)} for module in MODULES}
    sent = Update({MODULES[0]: {"bias": np.ones(2, np.float32)}}, {MODULES[0]: 5})
    after = FedAvg().aggregate(state, [sent])
    assert after[MODULES[0]]["bias"].tolist() == [1.0, 1.0]
    assert all(after[module]["bias"] is state[module]["bias"] for module in MODULES[1:])
    untouched = FedAvg().aggregate(state, [])
    assert all(untouched[module] is state[module] for module in MODULES)


@pytest.mark.parametrize(
    ("tensor", "samples", "message"),
    [
        (np.array([1.0, np.nan], np.float32), 5, "NaN or infinity"),
        (np.array([1.0, np.inf], np.float32), 5, "NaN or infinity"),
        (np.array([1.0, 2.0], np.float32), 0, "claims 0 samples"),
    ],
)
def test_a_broken_update_is_refused(tensor, samples, message):
    with pytest.raises(ModuleMismatchError, match=message):
        weighted_mean([Update({"fusion:*:*": {"bias": tensor}}, {"fusion:*:*": samples})])


def test_modules_of_other_shapes_cannot_be_added():
    small = Update({"fusion:*:*": {"bias": np.ones(2, np.float32)}}, {"fusion:*:*": 1})
    large = Update({"fusion:*:*": {"bias": np.ones(3, np.float32)}}, {"fusion:*:*": 1})
    with pytest.raises(ModuleMismatchError, match="cannot be added"):
        weighted_mean([small, large])
