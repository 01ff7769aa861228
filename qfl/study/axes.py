"""What varies in a study: points of its sweep, and methods with options of their own.

Studies may still be malformed here; what is not as expected is skipped and reported elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from qfl.study.options import OWN
from qfl.study.override import flatten

Settings = dict[str, Any]


def points(sweep: Mapping[str, tuple[Any, ...]]) -> list[Settings]:
    """Return what a sweep changes: every combination of the axes that all methods share, then
    every value of the axes of single methods.

    >>> points({"scenario.clients": (8, 16), "methods.qaoa.depth": (1,)})
    [{'scenario.clients': 8}, {'scenario.clients': 16}, {'methods.qaoa.depth': 1}]
    """
    shared = {key: values for key, values in sweep.items() if not key.startswith("methods.")}
    combined = [dict(zip(shared, values, strict=True)) for values in product(*shared.values())]
    single = [{key: v} for key, values in sweep.items() if key not in shared for v in values]
    return [*(combined if shared else []), *single]


def with_own(methods: object) -> list[Mapping[str, Any]]:
    """Return the methods, of a study that may be malformed, that change shared sections."""
    if not isinstance(methods, list | tuple):
        return []
    return [m for m in methods if isinstance(m, Mapping) and set(OWN) & set(m)]


def has(study: Mapping[str, Any], section: str) -> bool:
    """Return whether all or some methods have an optional section."""
    return any(part.get(section) for part in (study, *study.get("methods", ())))


def may_have(study: Mapping[str, Any], section: str) -> bool:
    """Return whether an optional section is there, or may be: it, or the methods, have errors."""
    return not study.keys() >= {section, "methods"} or has(study, section)


def safe_points(sweep: object) -> list[Settings]:
    """Return the points of a sweep that may still be malformed."""
    if not isinstance(sweep, Mapping):
        return []
    axes = flatten(sweep)
    return points({k: tuple(v) for k, v in axes.items() if isinstance(v, list | tuple)})
