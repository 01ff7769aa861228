"""Words and numbers as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ACRONYMS = {
    name.lower(): name for name in ("QAOA", "RQAOA", "MILP", "SCA", "VQC", "QKD", "AEAD", "KEM")
}


def display(label: str) -> str:
    """Return a label as prose.

    >>> display("qaoa_noisy"), display("random_best")
    ('QAOA noisy', 'random best')
    """
    return re.sub(r"[a-z]+", lambda word: _ACRONYMS.get(word[0], word[0]), label.replace("_", " "))


def natural(text: str) -> list[str | int]:
    """Return what sorts a text with its numbers as numbers.

    >>> sorted(["depth 10", "depth 2"], key=natural)
    ['depth 2', 'depth 10']
    """
    parts = re.split(r"(\d+)", text)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def count(number: int, noun: str) -> str:
    """Return the number with its noun.

    >>> count(1, "seed"), count(6, "seed")
    ('1 seed', '6 seeds')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def p_text(p: float) -> str:
    """Return a p-value as journals print it.

    >>> p_text(0.03125), p_text(0.05), p_text(0.0004), p_text(1.0)
    ('.031', '.05', '< .001', '1')
    """
    if p < 0.001:
        return "< .001"
    return f"{p:.2g}".lstrip("0") if p < 0.995 else "1"


def listed(items: Sequence[str]) -> str:
    """Return the items as prose.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
