"""AV-digits: speech and ink of one digit, never across the split, and noise that repeats."""

import numpy as np
import pytest

from qfl.data import av_digits, fsdd, mnist
from tests.data.distributions import ink

RNG = np.random.default_rng(0)


def sound(digits, takes=12):
    n = len(digits) * takes
    return {
        "pcm": RNG.integers(-3000, 3000, n * 400).astype(np.int16),
        "offset": np.arange(n + 1) * 400,
        "digit": np.repeat(np.array(digits, np.uint8), takes),
        "speaker": np.array(["theo", "george"] * (n // 2)),
        "index": np.tile(np.arange(takes, dtype=np.uint8), len(digits)),
    }


def test_av_digits_pairs_by_digit_and_by_split(given):
    voices, pictures = sound([3, 8]), ink(200)
    given(fsdd, voices)
    given(mnist, pictures)
    given(av_digits)
    data = av_digits.AvDigits(image_noise=0.0).load()
    image = (data.samples.inputs["image"] * 255).round().astype(np.uint8)
    digit, test = data.samples.targets["digit"], set(data.test_rows.tolist())
    assert len(test) == 10
    for row in range(len(digit)):
        part = "test" if row in test else "train"
        found = np.flatnonzero((pictures[f"x_{part}"] == image[row]).all((1, 2)))
        assert pictures[f"y_{part}"][found].tolist() == [digit[row]]
    assert len({picture.tobytes() for picture in image}) == len(image)
    assert set(data.groups["speaker"].tolist()) == {0, 1}


def test_av_digits_noise_is_always_the_same(given):
    given(fsdd, sound([1]))
    given(mnist, ink(120))
    given(av_digits)
    one, two, clean = (
        av_digits.AvDigits(image_noise=noise).load().samples.inputs["image"]
        for noise in (0.9, 0.9, 0.0)
    )
    np.testing.assert_array_equal(one, two)
    assert (one - clean).std() == pytest.approx(0.9, abs=0.03)
