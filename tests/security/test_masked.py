"""Masked sums of a round: the plain modular sum bit for bit, the plain mean to the grid's bound."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.gather import Answer
from qfl.core.update import Update
from qfl.security.channel import Plain, Sealed
from qfl.security.masked import Masked
from qfl.security.summing import MASKS, SumPolicy
from tests.security.answering import CLIENTS, SHAPES, answers, gathered


def test_the_pads_are_at_the_key_optimum_and_streams_far_below():
    given = answers(np.random.default_rng(2))
    [pads] = gathered(Masked(masks="pads", threshold=1.0), given).sums
    [streams] = gathered(Masked(masks="qkd"), given).sums
    assert 1.0 <= pads.key_ratio < 1.35  # the last block of 7 symbols is filled up
    assert streams.key_bits == 256 * 21
    assert (pads.length, streams.length) == (24, 24)


@pytest.mark.parametrize("threshold", [1.0, 0.7])
def test_key_in_bits_beside_the_least_and_the_naive_for_as_many_dropouts(threshold):
    """Zhao and Sun, arXiv:2205.08458: K(K-1)/(K-T) symbols against K(K-1)/2; in bits, all modes."""
    wide = {**SHAPES, "head:digit": (400,)}
    found = {}
    for masks in MASKS:
        start = {m: {"weight": np.zeros(s, np.float32)} for m, s in wide.items()}
        received = Update(start, dict.fromkeys(wide, 1))
        given = [Answer(c, received, Update(start, dict.fromkeys(wide, 20))) for c in CLIENTS]
        options = Masked(masks=masks, threshold=threshold)
        rng = np.random.default_rng(2)
        channel, links = Plain().connect({}, run="test"), options.links(CLIENTS, rng=rng)
        gatherer = options.gatherer(channel, links, run="test")
        [found[masks]] = gatherer.gather(given, round=1, rng=rng).sums
    for event in found.values():
        tolerated, bits = 7 - event.threshold, event.length * event.modulus_bits
        assert tolerated == (0 if threshold == 1 else 2)
        assert event.least_key_bits == pytest.approx(42 / (7 - tolerated) * bits)
        assert event.naive_key_bits == 21 * bits
        assert event.key_ratio == pytest.approx(event.key_bits / event.least_key_bits)
    event = found["pads"]
    width = event.modulus_bits + (1 if tolerated else 0)  # symbols modulo a prime
    assert 1 <= event.key_ratio * event.modulus_bits / width < 1.02
    assert 1 <= found["pairwise-pads"].key_bits / event.naive_key_bits < 1.001
    assert found["pairwise-pads"].key_ratio == pytest.approx((7 - tolerated) / 2, rel=1e-3)
    assert found["qkd"].key_ratio == found["ml-kem"].key_ratio < 0.1


def test_key_of_pads_grows_with_the_dropouts_they_tolerate():
    given = answers(np.random.default_rng(2))
    spent = []
    for threshold in (1.0, 0.8, 0.7):
        done = gathered(Masked(masks="pads", threshold=threshold), given)
        spent.append(done.key_bits_used)
        assert done.key_bits_produced >= done.key_bits_used
        assert done.waiting_seconds > 0
    assert spent == sorted(spent)
    assert spent[0] < spent[-1]


def test_fibres_that_are_too_long_give_the_sum_up():
    far = Sealed(shortest_km=200, longest_km=210, sifted_bits=300)
    options = Masked(masks="pads", block_pulses=10**6, sealed=far)
    done = gathered(options, answers(np.random.default_rng(0)))
    assert not done.updates
    assert "give no key" in done.sums[0].given_up


def test_what_cannot_hide_anybody_is_refused():
    for wrong in ({"smallest": 1}, {"threshold": 0.5}, {"masks": "xor"}, {"dropout": 1.0}):
        with pytest.raises(ConfigError, match="allowed"):
            SumPolicy(**wrong)
    with pytest.raises(ConfigError, match="modulus"):
        Masked(levels=2**50, heaviest=2**14)


@pytest.mark.parametrize("options", [{"masks": "qkd"}, {"masks": "pads", "threshold": 1.0}])
def test_key_between_clients_is_spent_or_left(options):
    masked = Masked(**options)
    links = masked.links(CLIENTS, rng=np.random.default_rng(1))
    gatherer = masked.gatherer(Plain().connect({}, run="test"), links, run="test")
    produced = used = 0
    for round in (1, 2):
        rng = np.random.default_rng(round)
        done = gatherer.gather(answers(rng), round=round, rng=rng)
        produced += done.key_bits_produced
        used += done.key_bits_used
        assert done.pairs.bits_left == produced - used > 0
        assert 0 < done.pairs.poorest_bits <= done.pairs.bits_left / done.pairs.links


def test_no_key_is_left_between_clients_that_share_none():
    assert gathered(Masked(), answers(np.random.default_rng(0))).pairs is None
