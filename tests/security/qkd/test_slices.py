"""Slices of Gaussian values: what they are, what they say, what telling them costs."""

from math import log2, sqrt

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.line import PublicLine
from qfl.security.qkd.slices import Codes, Quantiser, reconcile_slices, slice_ratios

GAIN, NOISE, VARIANCE = 0.7, 1.1, 9.0


def pairs(n, *, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, sqrt(VARIANCE), n)
    return x, GAIN * x + rng.normal(0, sqrt(NOISE), n)


def quantised(n, *, slices, seed):
    """Return Bob's slices and Alice's chances."""
    x, y = pairs(n, seed=seed)
    quantiser = Quantiser.of(sqrt(GAIN**2 * VARIANCE + NOISE), slices=slices)
    return quantiser.bits(y), quantiser.chances(GAIN * x, sqrt(NOISE))


def test_intervals_are_equally_likely():
    """100,000 values in 16 intervals: 5 standard errors."""
    _, y = pairs(100_000, seed=0)
    quantiser = Quantiser.of(sqrt(GAIN**2 * VARIANCE + NOISE), slices=4)
    counts = np.bincount(quantiser.intervals(y), minlength=16)
    assert np.abs(counts - 6250).max() < 5 * sqrt(6250)
    bits = quantiser.bits(y)
    assert (sum(bits[i].astype(int) << i for i in range(4)) == quantiser.intervals(y)).all()
    with pytest.raises(ConfigError, match="slices"):
        Quantiser.of(1.0, slices=9)


def test_ratios_are_those_of_bayes():
    rng = np.random.default_rng(1)
    chances = rng.random((40, 8)).astype(np.float32)
    numbers = rng.integers(0, 8, 40)
    bits = [(numbers >> i & 1).astype(np.uint8) for i in range(3)]
    for i in range(3):
        found = slice_ratios(chances, bits[:i])
        for row, number, ratio in zip(chances, numbers, found, strict=True):
            alike = [j for j in range(8) if j % (1 << i) == number % (1 << i)]
            sums = [sum(float(row[j]) for j in alike if (j >> i & 1) == bit) for bit in (0, 1)]
            assert ratio == pytest.approx(np.log(sums[0] / sums[1]), abs=1e-5)


def test_what_the_slices_leave_unknown_adds_up_to_what_the_value_does():
    """The chain rule, over 200,000 values: both are means of the same surprise."""
    bits, chances = quantised(200_000, slices=4, seed=2)
    numbers = sum(bits[i].astype(int) << i for i in range(4))
    share = chances / chances.sum(axis=1, keepdims=True)
    whole = -np.log2(share[np.arange(len(numbers)), numbers]).mean()
    apart = 0.0
    for i in range(4):
        ratios = slice_ratios(chances, list(bits[:i]))
        apart += np.logaddexp(0, np.where(bits[i], ratios, -ratios)).mean() / np.log(2)
    assert apart == pytest.approx(whole, abs=1e-4)
    told = 0.5 * log2(1 + GAIN**2 * VARIANCE / NOISE)
    assert 0.9 * told < 4 - whole < told  # intervals lose a little of the mutual information


class Listener:
    """Hears how much is said, and passes everything on."""

    def __init__(self):
        self.said = []

    def meddle(self, sender, message):
        self.said.append((sender.name, len(message)))
        return message


def test_alice_ends_with_bobs_slices_and_everything_said_is_counted():
    size, n = 1024, 40 * 1024
    bits, chances = quantised(n, slices=3, seed=3)
    codes = Codes.designed(chances, bits, frame_bits=size)
    assert codes.hidden[0] < codes.hidden[1] < codes.hidden[2] < size
    bits, chances = quantised(n, slices=3, seed=4)
    ear = Listener()
    guess = reconcile_slices(
        bits, chances, codes, line=PublicLine(meddler=ear), rng=np.random.default_rng(0)
    )
    assert (guess.bits == bits).all()
    assert 0 < guess.frame_errors < 0.5
    coded = [hidden for hidden in codes.hidden if hidden]
    seeds = len(coded) * (size + 15)  # public, and independent of the key
    assert guess.disclosed_bits == sum(length for _, length in ear.said) - seeds
    assert sum(length for who, length in ear.said if who == "ALICE") == 40 * len(coded)
    told = 3 - guess.disclosed_bits / n
    assert 0.4 < told / (0.5 * log2(1 + GAIN**2 * VARIANCE / NOISE)) < 0.8


def test_a_slice_that_cannot_be_guessed_is_published():
    bits, chances = quantised(8 * 256, slices=5, seed=5)
    codes = Codes.designed(chances, bits, frame_bits=256)
    assert codes.hidden[0] == 0
    guess = reconcile_slices(
        bits, chances, Codes(256, (0,) * 5), line=PublicLine(), rng=np.random.default_rng(0)
    )
    assert (guess.bits == bits).all()
    assert (guess.disclosed_bits, guess.frame_errors) == (bits.size, 0.0)
