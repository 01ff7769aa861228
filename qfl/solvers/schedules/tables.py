"""Angles from tables: published ones for the transverse mixer, our own for constrained mixers.

The files in `data/` name their source. Where a depth is missing, `transfer_angles` resamples the
nearest one along the layers, which is the idea of INTERP.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from circuits.qaoa import MIXERS
from qfl.core.errors import ConfigError
from qfl.solvers.landscape import Angles, Landscape
from qfl.solvers.options import check_choice
from qfl.solvers.schedules.units import in_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Angles that were good for similar instances, rescaled by the units; no training.

    The transverse mixer takes the optimal angles of the Sherrington-Kirkpatrick model
    (arXiv:2110.14206), all others those of random client selections (`derive.py`).
    """

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return the rescaled angles; `rng` is not used."""
        return in_units(landscape, transfer_angles(landscape.mixer, depth))


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedAngle:
    """The published angles for MaxCut on regular graphs, without training.

    Attributes:
        degree: of the graph; None reads it from the instance, which must then be an unweighted
            regular MaxCut. Given, other graphs may use the angles too, scaled by the mean weight.

    Reference:
        Wurtz and Lykov, arXiv:2107.00677.
    """

    degree: int | None = None

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return the table's angles in our convention; `rng` is not used.

        Raises:
            ConfigError: not the transverse mixer, not a regular graph, or not in the table.
        """
        if landscape.mixer != "x":
            raise ConfigError(
                f"schedule 'fixed_angle' is for mixer 'x', not {landscape.mixer!r}; use 'transfer'"
            )
        couplings = np.abs(landscape.encoding.qubo.to_ising().couplings)
        weight = float(couplings[couplings > 0].mean()) if couplings.any() else 1.0
        degree = self.degree or _regular_degree(couplings, landscape)
        table = fixed_angles(degree, depth)
        return np.array([table[0] / (2.0 * weight), table[1]])


def fixed_angles(degree: int, depth: int) -> Angles:
    """Return the published angles for H = -cut on unweighted regular graphs, (2, depth).

    Raises:
        ConfigError: the table has no such row; the message lists the depths it has.
    """
    rows = {(row["degree"], row["depth"]): row for row in _rows("regular_graphs")}
    if (degree, depth) not in rows:
        have = ", ".join(f"{d}-regular p={p}" for d, p in sorted(rows))
        raise ConfigError(
            f"no fixed angles for {degree}-regular graphs at depth {depth}; the table has {have}"
        )
    return _angles(rows[degree, depth])


def transfer_angles(mixer: str, depth: int) -> Angles:
    """Return angles in units for `mixer`, (2, depth); resampled if the table lacks the depth."""
    check_choice("mixer", mixer, MIXERS)
    if mixer == "x":
        rows = {row["depth"]: row for row in _rows("sherrington_kirkpatrick")}
    else:
        table = _rows("client_selection")
        rows = {row["depth"]: row for row in table if row["mixer"] == mixer}
    nearest = min(rows, key=lambda known: (abs(known - depth), known))
    return resampled(_angles(rows[nearest]), depth)


def resampled(angles: Angles, depth: int) -> Angles:
    """Return `angles` read off at `depth` evenly spaced points along the layers.

    >>> resampled(np.array([[0.2, 0.4], [-0.4, -0.2]]), 3).round(3).tolist()
    [[0.2, 0.3, 0.4], [-0.4, -0.3, -0.2]]
    """
    known = angles.shape[1]
    if known == depth:
        return angles
    at, layers = (np.arange(depth) + 0.5) / max(1, depth), (np.arange(known) + 0.5) / known
    return np.array([np.interp(at, layers, row) for row in angles])


def _regular_degree(couplings: Angles, landscape: Landscape) -> int:
    degrees = ((couplings + couplings.T) > 0).sum(1)
    present = couplings[couplings > 0]
    fields = np.abs(landscape.encoding.qubo.to_ising().fields)
    regular = len(present) and np.ptp(degrees) == 0
    if not regular or np.ptp(present) > 1e-9 * present.max() or fields.max() > 1e-9:
        raise ConfigError(
            "schedule 'fixed_angle' reads the degree off an unweighted regular MaxCut, which this "
            "instance is not; give schedule_options={'degree': ...} or use 'transfer'"
        )
    return int(degrees[0])


def _angles(row: dict[str, Any]) -> Angles:
    return np.array([row["gamma"], -np.array(row["beta"])])


@cache
def _rows(name: str) -> list[dict[str, Any]]:
    text = files("qfl.solvers.schedules").joinpath(f"data/{name}.json").read_text("utf-8")
    rows: list[dict[str, Any]] = json.loads(text)["rows"]
    return rows
