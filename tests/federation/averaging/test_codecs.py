"""What codecs drop is bounded, stays with the client, and is paid back later."""

import numpy as np
import pytest
from test_round import federation

from qfl.core.errors import ModuleMismatchError, UnknownNameError
from qfl.core.gather import Answer
from qfl.core.update import Update
from qfl.federation.averaging.codecs import KEPT, Coder, decode, encode
from qfl.federation.plan import Schedule
from qfl.models.policies import exchange_policy

HEAD = "head:*:digit"
LOSSY = ("fp16", "int8", "top_k")


def changes(seed=0, shape=(7, 30)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def answer(change, received=None):
    before = np.zeros_like(change) if received is None else received
    updates = [Update({HEAD: {"weight": array}}, {HEAD: 5}) for array in (before, before + change)]
    return Answer("client-00", received=updates[0], update=updates[1])


def opened(coder, sent, original):
    return coder._opened(sent.update, original.received).modules[HEAD]["weight"]


def test_errors_are_within_half_a_step():
    change = changes()
    eight = decode(encode(change, "int8"), change.shape)
    assert np.abs(eight - change).max() <= np.abs(change).max() / 127 / 2 * (1 + 1e-5)
    half = decode(encode(change, "fp16"), change.shape)
    assert np.abs(half - change).max() <= np.abs(change).max() * 2**-11


def test_top_k_keeps_the_largest_and_no_more():
    change = changes()
    kept = decode(encode(change, "top_k"), change.shape)
    places = np.flatnonzero(kept)
    assert len(places) == np.ceil(KEPT * change.size)
    assert np.array_equal(kept.ravel()[places], change.ravel()[places])
    assert np.abs(kept.ravel()[places]).min() >= np.abs((change - kept).ravel()).max()


@pytest.mark.parametrize("codec", LOSSY)
def test_what_was_not_sent_is_sent_later(codec):
    """Sent + left over = true changes, after every round."""
    coder = Coder(exchange_policy("full").coded(codec))
    true = sent = np.zeros((7, 30))
    for seed in range(5):
        given = answer(changes(seed))
        true = true + given.update.modules[HEAD]["weight"]
        sent = sent + opened(coder, coder.encoded(given), given)
        left = coder.left["client-00"][HEAD]["weight"]
        np.testing.assert_allclose(sent + left, true, atol=1e-5)


def played(codec):
    return list(federation(rounds=3, choose=9, model="tiny", codec=codec).play())


@pytest.fixture(scope="module")
def plain():
    """Records without a codec."""
    return played("fp32")


@pytest.mark.parametrize(("codec", "ratio"), [("fp16", 0.55), ("int8", 0.35), ("top_k", 0.35)])
def test_fewer_bytes_are_on_the_bill_and_the_model_still_learns(plain, codec, ratio):
    coded = played(codec)
    assert coded[1].costs.payload_bytes_up < ratio * plain[1].costs.payload_bytes_up
    assert coded[1].costs.payload_bytes_down == plain[1].costs.payload_bytes_down
    assert coded[1].delivered == plain[1].delivered
    assert coded[-1].metrics != coded[0].metrics


def test_fp32_is_what_it_was_bit_for_bit():
    given = answer(changes())
    coder = Coder(exchange_policy("full"))
    assert coder.encoded(given).update.payload == given.update.payload


def test_what_cannot_be_sent_is_refused():
    with pytest.raises(UnknownNameError, match="int8"):
        Schedule(rounds=1, clients_per_round=1, codec="int9")
    with pytest.raises(ModuleMismatchError, match="cannot be sent as int8"):
        encode(np.array([1.0, np.nan], np.float32), "int8")
    with pytest.raises(ModuleMismatchError, match="take codec fp32"):
        encode(np.array([1e6], np.float32), "fp16")


def test_nothing_changed_is_sent_as_nothing():
    still = np.zeros((2, 3), np.float32)
    for codec in LOSSY:
        assert not decode(encode(still, codec), still.shape).any()


def test_modules_that_too_few_hold_are_not_sent_and_stay():
    """Nine clients; the module with the fewest holders among them sets the bar."""
    one = federation(rounds=1, choose=9)
    holders = {
        module: sum(module in p.model.module_ids for p in one.participants) for module in one.state
    }
    least = min(holders.values()) + 1
    few = {module for module, count in holders.items() if count < least}
    guarded = federation(rounds=1, choose=9, min_holders=least)
    before = {module: dict(guarded.state[module]) for module in few}
    record = list(guarded.play())[1]
    assert set(record.left_out) == few
    assert all("min_holders" in why for why in record.left_out.values())
    for header, update in guarded.policies.channel.passed:
        if header.sender != "server":
            assert not few & set(update.modules)
    for module in few:
        assert all((guarded.state[module][n] == t).all() for n, t in before[module].items())
