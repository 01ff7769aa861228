"""Numbers as printed: prefixes, signs, percentages, and what has no digits."""

import pytest

from qfl.core.metrics import metric


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1, "1.00 B"), (999.7, "1.00 kB"), (58_240, "58.2 kB"), (1e7, "10.0 MB")],
)
def test_si_prefixes_round_before_they_choose(value, text):
    assert metric("payload_bytes_up").text(value) == text


def test_small_times_have_small_prefixes():
    assert metric("classical_seconds").text(3.21e-5) == "32.1 µs"


def test_signs_are_typographic_and_zero_has_none():
    accuracy = metric("digit.accuracy")
    assert accuracy.difference_text(0.0123) == "+1.2 points"
    assert accuracy.difference_text(-0.00001) == "0.0 points"
    assert metric("slant.r2").text(-0.5) == "−0.500"


@pytest.mark.parametrize(("value", "text"), [(float("nan"), "–"), (float("inf"), "∞")])
def test_what_is_no_number_has_neither_digits_nor_a_unit(value, text):
    assert metric("payload_bytes_up").text(value) == text
    assert metric("digit.accuracy").text(value) == text


def test_numbers_beside_each_other_share_a_prefix():
    payload = metric("payload_bytes_up")
    assert payload.text(999_000) == "999 kB"
    assert payload.text_like(999_000, like=2_345_678) == "1.00"
    assert metric("digit.accuracy").text_like(0.5, like=0.25) == "50.0"


def test_arrows_point_where_better_is():
    arrows = [metric(name).arrow for name in ("digit.accuracy", "digit.loss", "key_bits_left")]
    assert arrows == ["↑", "↓", ""]
