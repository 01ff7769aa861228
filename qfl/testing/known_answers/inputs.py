"""The inputs of one row, read with a check each; what no family reads is an error, not ignored."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import networkx
import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.problems.graphs import adjacency

Floats = NDArray[np.float64]


class Inputs:
    """What a row is computed from.

    >>> given = Inputs({"n": 8, "beta": 0.3})
    >>> given.whole("n"), given.unread
    (8, ['beta'])
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Return whether an input is given (and not null)."""
        return self._values.get(name) is not None

    @property
    def unread(self) -> list[str]:
        """Inputs that nothing asked for."""
        return sorted(set(self._values) - self._read)

    def any(self, name: str) -> Any:
        """Return an input as it stands."""
        self._read.add(name)
        if name not in self._values:
            given = ", ".join(sorted(self._values)) or "nothing"
            raise ConfigError(f"input {name!r} is missing; given: {given}")
        return self._values[name]

    def label(self, *names: str) -> None:
        """Let words through that only describe what other inputs say."""
        self._read.update(names)

    def whole(self, name: str, least: int = 0) -> int:
        """Return a whole number >= `least`; 1e7 counts as one."""
        value = self.any(name)
        if not _is_number(value) or not math.isfinite(value) or value != int(value):
            raise ConfigError(f"input {name!r} must be a whole number, got {value!r}")
        if value < least:
            raise ConfigError(f"input {name!r} must be at least {least}, got {value}")
        return int(value)

    def number(self, name: str) -> float:
        """Return a finite number."""
        value = self.any(name)
        if not _is_number(value) or not math.isfinite(value):
            raise ConfigError(f"input {name!r} must be a finite number, got {value!r}")
        return float(value)

    def numbers(self, name: str) -> Floats:
        """Return a list of finite numbers, or lists of them, as an array."""
        value = self.any(name)
        try:
            array = np.array(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"input {name!r} must be a list of numbers, got {value!r}") from error
        if not array.ndim or not np.isfinite(array).all():
            raise ConfigError(f"input {name!r} must be a list of finite numbers, got {value!r}")
        return array

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        value = self.any(name)
        if not isinstance(value, bool):
            raise ConfigError(f"input {name!r} must be true or false, got {value!r}")
        return value

    def text(self, name: str, *allowed: str) -> str:
        """Return a text, one of `allowed` if there are any."""
        value = self.any(name)
        if not isinstance(value, str) or (allowed and value not in allowed):
            choice = f" one of {', '.join(map(repr, allowed))}" if allowed else " text"
            raise ConfigError(f"input {name!r} must be{choice}, got {value!r}")
        return value

    def hexadecimal(self, name: str) -> bytes:
        """Return the bytes of a hexadecimal text."""
        value = self.text(name)
        try:
            return bytes.fromhex(value)
        except ValueError as error:
            raise ConfigError(f"input {name!r} must be hexadecimal, got {value!r}") from error

    def angles(self) -> Floats:
        """Return gamma and beta as (2, depth), checked against p where that is given."""
        gamma, beta = self.numbers("gamma"), self.numbers("beta")
        depth = self.whole("p") if "p" in self else len(gamma)
        if gamma.shape != (depth,) or beta.shape != (depth,):
            raise ConfigError(
                f"gamma and beta must be lists of {depth} angles, got shapes {gamma.shape} "
                f"and {beta.shape}"
            )
        return np.array([gamma, beta])

    def graph(self) -> Floats:
        """Return the adjacency of edges (with weights, if given), or of a graph by its name.

        A cubic graph may also come in LCF notation, as in "[5,-5]^7".
        """
        self.label("lcf", "graph")
        if "edges" not in self:
            code = re.fullmatch(r"\[([-\d, ]+)\]\^(\d+)", str(self._values.get("lcf")))
            graph = _cubic(*code.groups()) if code else _named(self.text("graph"))
            if "n" in self and self.whole("n") != len(graph):
                raise ConfigError(f"the graph has {len(graph)} nodes, not n = {self.whole('n')}")
            return np.asarray(networkx.to_numpy_array(graph))
        edges = self.numbers("edges")
        if edges.ndim != 2 or edges.shape[1] != 2 or (edges != edges.astype(int)).any():
            raise ConfigError(f"edges must be pairs of nodes, got {edges.tolist()}")
        weights = self.numbers("weights") if "weights" in self else np.ones(len(edges))
        if weights.shape != (len(edges),):
            raise ConfigError(f"{len(edges)} edges need as many weights, got {weights.tolist()}")
        nodes = self.whole("n") if "n" in self else int(edges.max()) + 1
        return adjacency(nodes, edges.astype(int), weights)


_FAMILIES = {
    r"K(\d+)": networkx.complete_graph,
    r"C(\d+)": networkx.cycle_graph,
    r"P(\d+)": networkx.path_graph,
    r"Q(\d+)": networkx.hypercube_graph,
    r"K(\d+),(\d+)": networkx.complete_bipartite_graph,
}


def _named(name: str) -> networkx.Graph:
    """Return K4, C10, P5, Q3, K3,3 or one of the small graphs that networkx knows by name."""
    for pattern, make in _FAMILIES.items():
        if match := re.fullmatch(pattern, name):
            return make(*map(int, match.groups()))
    small, key = networkx.generators.small, re.sub("[ -]", "_", name.lower())
    known = [
        one.removesuffix("_graph")
        for one in small.__all__
        if one.endswith("_graph") and one not in ("LCF_graph", "generalized_petersen_graph")
    ]
    if key not in known:
        raise ConfigError(f"no graph is called {name!r}; give edges, K4, C10 or one of {known}")
    return getattr(small, f"{key}_graph")()


def _cubic(shifts: str, repeats: str) -> networkx.Graph:
    chords = [int(shift) for shift in shifts.split(",")]
    return networkx.LCF_graph(len(chords) * int(repeats), chords, int(repeats))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
