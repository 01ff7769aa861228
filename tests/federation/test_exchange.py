"""Between torch and the wire: nothing is lost, nothing is added, and a changed form is refused."""

import numpy as np
import pytest
import torch
from test_engine import MODEL, largest_difference

from qfl.core.errors import ModuleMismatchError
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.exchange import (
    check_schema,
    from_arrays,
    of_modules,
    only,
    overlaid,
    to_update,
    travelling,
    without,
)
from qfl.models.keys import copy_id
from qfl.models.policies import ExchangePolicy, ModulePolicy

HEADS = ("head:*:a", "head:*:b")
STATE = {
    module: {"weight": torch.full((2,), float(i)), "bias": torch.zeros(1)}
    for i, module in enumerate(HEADS)
}


def test_updates_survive_the_wire_bit_for_bit():
    state = MODEL.initial_state(Streams(9))
    update = to_update(state, samples=12)
    again = from_arrays(type(update).from_payload(update.payload).modules)
    assert largest_difference(state, again) == 0
    assert again.keys() == state.keys()


def test_every_module_counts_its_own_samples_and_uncounted_ones_stay_at_home():
    assert to_update(STATE, 12).samples == dict.fromkeys(HEADS, 12)
    counted = to_update(STATE, {"head:*:b": 3})
    assert (counted.modules.keys(), counted.samples) == ({"head:*:b"}, {"head:*:b": 3})


def test_tensors_that_keep_their_start_never_travel():
    policy = ExchangePolicy(by_id={"head:*:a": ModulePolicy(fixed=("bias",))})
    sent = travelling(STATE, policy)
    assert {module: set(tensors) for module, tensors in sent.items()} == {
        "head:*:a": {"weight"},
        "head:*:b": {"weight", "bias"},
    }
    again = overlaid(STATE, {"head:*:a": {"weight": torch.ones(2)}})
    assert again["head:*:a"]["weight"].tolist() == [1, 1]
    assert again["head:*:a"]["bias"] is STATE["head:*:a"]["bias"]
    assert again["head:*:b"] == STATE["head:*:b"]


def test_modules_are_picked_with_their_samples_and_a_copy_counts_as_its_module():
    copy = copy_id("head:*:a", "theo")
    update = to_update({**STATE, copy: STATE["head:*:a"]}, 5)
    assert only(update, ["head:*:a"]).samples == {"head:*:a": 5}
    assert of_modules(update, ["head:*:a"]).modules.keys() == {"head:*:a", copy}
    assert without(update, HEADS).modules.keys() == {copy}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weight": np.zeros(3, np.float32), "bias": np.zeros(1, np.float32)}, r"\(2,\)"),
        ({"weight": np.zeros(2), "bias": np.zeros(1, np.float32)}, "float64"),
        ({"bias": np.zeros(1, np.float32)}, "unknown none"),
    ],
)
def test_another_shape_type_or_name_than_was_sent_is_refused(tensors, message):
    sent = only(to_update(STATE, 1), ["head:*:a"])
    check_schema(sent, Update(sent.modules, {"head:*:a": 9}), at="here")
    with pytest.raises(ModuleMismatchError, match=message):
        check_schema(sent, Update({"head:*:a": tensors}, {"head:*:a": 1}), at="here")
