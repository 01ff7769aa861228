"""Words as a reader sees them: acronyms, numbers in order, p-values as journals print them."""

import pytest

from qfl.report.words import count, display, listed, natural, p_text


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("qaoa, depth 2", "QAOA, depth 2"),
        ("sca_noisy", "SCA noisy"),
        ("scaffold", "scaffold"),
        ("rqaoa", "RQAOA"),
    ],
)
def test_acronyms_are_whole_words(label, shown):
    assert display(label) == shown


def test_numbers_in_names_sort_as_numbers():
    names = ["depth 10, p 2", "depth 2, p 10", "depth 2, p 9", "depth"]
    assert sorted(names, key=natural) == ["depth", "depth 2, p 9", "depth 2, p 10", "depth 10, p 2"]


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.00099, "< .001"), (0.001, ".001"), (0.994, ".99"), (0.995, "1"), (0.0499, ".05")],
)
def test_p_is_never_printed_as_zero_or_with_a_leading_one(p, text):
    assert p_text(p) == text


def test_lists_and_counts_read_as_prose():
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (count(1, "cell"), count(12_000, "cell")) == ("1 cell", "12,000 cells")
