"""How a method looks everywhere: a colour for light and dark paper, and a dash pattern.

Colours are Okabe and Ito's, told apart by colour-blind readers, with lightness adjusted to the
paper; dash patterns tell them apart without colour. The headline pair gets the two strongest.
"""

from __future__ import annotations

from dataclasses import dataclass

from qfl.report.runs.results import Results


@dataclass(frozen=True, slots=True)
class Style:
    """The look of one method; `strong` for the headline pair."""

    method: str
    light: str
    dark: str
    dash: tuple[int, ...]
    strong: bool


Look = tuple[str, str, tuple[int, ...]]

_METHOD: Look = ("#0067A8", "#56B4E9", ())
_BASELINE: Look = ("#C4500A", "#F08A4B", (6, 3))
_OTHERS: tuple[Look, ...] = (
    ("#007A5A", "#2BC79A", ()),
    ("#A8578F", "#DE9BC8", (8, 3, 2, 3)),
    ("#8A6D00", "#E6C229", (2, 2)),
    ("#222222", "#E8E8E8", (1, 3)),
    ("#3C8FC4", "#9AD3F5", (5, 2)),
    ("#B3261E", "#FF8A80", (10, 3)),
    ("#5B4B9A", "#B7A8F0", (4, 2, 1, 2)),
    ("#6B6B6B", "#ABABAB", (3, 3)),
)


def styles(results: Results) -> tuple[Style, ...]:
    """Return one style per method, in the order of `results.methods`."""
    request = results.headline
    fixed: dict[str, Look] = {}
    if request is not None:
        for label, look in ((request.method, _METHOD), (request.baseline, _BASELINE)):
            fixed |= {method: look for method in results.variants(label)[:1]}
    others = [method for method in results.methods if method not in fixed]
    looks = {m: _OTHERS[i % len(_OTHERS)] for i, m in enumerate(others)} | fixed
    return tuple(Style(m, *looks[m], strong=m in fixed) for m in results.methods)


def wheel(index: int) -> tuple[str, tuple[int, ...]]:
    """Return colour and dash of the lines of a figure that is not about methods."""
    looks = (_METHOD, _BASELINE, *_OTHERS)
    light, _, dash = looks[index % len(looks)]
    return light, dash
