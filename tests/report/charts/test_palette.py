"""Looks: every method has its own, the headline pair the strongest, whatever ran beside it."""

from types import SimpleNamespace

import pytest

from qfl.report.charts.palette import styles, wheel

MANY = tuple(f"m{i}" for i in range(10))


def results(methods, pair=("m3", "m7")):
    request = pair and SimpleNamespace(method=pair[0], baseline=pair[1])
    return SimpleNamespace(
        methods=methods,
        headline=request,
        variants=lambda label: [method for method in methods if method == label],
    )


def contrast(colour, paper):
    """The WCAG 2.1 ratio of the relative luminances of two colours."""

    def luminance(text):
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (colour, paper)))
    return (high + 0.05) / (low + 0.05)


def test_ten_methods_have_ten_looks_on_either_paper():
    found = styles(results(MANY))
    assert [style.method for style in found] == list(MANY)
    assert len({style.light for style in found}) == len({style.dark for style in found}) == 10


@pytest.mark.parametrize(("shade", "paper"), [("light", "#ffffff"), ("dark", "#16181b")])
def test_colours_can_be_read_on_their_paper(shade, paper):
    """3 : 1 is what WCAG 2.1 asks of graphics (success criterion 1.4.11)."""
    for style in styles(results(MANY)):
        assert contrast(getattr(style, shade), paper) >= 3, style


def test_the_headline_pair_looks_the_same_whatever_ran_beside_it():
    alone = {s.method: s for s in styles(results(("m7", "m3")))}
    among = {s.method: s for s in styles(results(MANY))}
    assert [alone[m] for m in ("m3", "m7")] == [among[m] for m in ("m3", "m7")]
    assert {m for m, style in among.items() if style.strong} == {"m3", "m7"}
    assert not any(style.strong for style in styles(results(MANY, pair=None)))


def test_lines_that_are_no_methods_go_round():
    looks = [wheel(i) for i in range(10)]
    assert len(set(looks)) == 10
    assert wheel(10) == looks[0]
