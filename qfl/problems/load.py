"""Published instances by name: the data ship with the package, each with its source.

>>> load("chain_5").n
5
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from qfl.core.constraints import Unconstrained
from qfl.core.errors import UnknownNameError
from qfl.core.problem import Problem
from qfl.core.qubo import Ising
from qfl.problems.graphs import adjacency, densest_subgraph, maxcut
from qfl.problems.selection import client_selection


def instances() -> dict[str, dict[str, Any]]:
    """Return all published instances by name: kind, data, source and, where known, the optimum."""
    return dict(_library())


def load(name: str) -> Problem:
    """Return the published instance `name`.

    Raises:
        UnknownNameError: no instance has this name; the message lists all.
    """
    library = _library()
    if name not in library:
        raise UnknownNameError("instance", name, library)
    entry = library[name]
    if entry["kind"] == "selection_closed_form":
        return closed_form_selection(entry["n"], entry["choose"], weight=entry["weight"])
    weights = adjacency(entry["n"], entry["edges"], entry.get("weights"))
    if entry["kind"] == "maxcut":
        return maxcut(weights=weights)
    if entry["kind"] == "densest_subgraph":
        return densest_subgraph(weights=weights, choose=entry["choose"])
    ising = Ising(0.0, np.zeros(entry["n"]), np.triu(weights, 1))
    return Problem("ising", ising.to_qubo(), Unconstrained(), tuple(map(str, range(entry["n"]))))


def closed_form_selection(n: int, choose: int, *, weight: float = 0.3) -> Problem:
    """Return the K-of-N selection that needs no random numbers, so that anyone can rebuild it.

    utility_i = 1/2 + 1/2 sin(1.7 (i+1)), redundancy_ij = (1 + cos(0.9 (i+1)(j+1))) / 2.
    """
    i = np.arange(1, n + 1)
    return client_selection(
        utility=0.5 + 0.5 * np.sin(1.7 * i),
        redundancy=0.5 * (1 + np.cos(0.9 * np.outer(i, i))),
        choose=choose,
        redundancy_weight=weight,
    )


@cache
def _library() -> dict[str, dict[str, Any]]:
    text = files("qfl.problems").joinpath("data/instances.json").read_text("utf-8")
    library: dict[str, dict[str, Any]] = json.loads(text)
    return library
