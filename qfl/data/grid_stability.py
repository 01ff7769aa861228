"""Stability of a simulated four-node grid: reaction times, powers and price elasticities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import numbers, read_csv

_DECIMALS = 9
_BLOCKS = {name: tuple(f"{name}{k}" for k in (1, 2, 3, 4)) for name in ("tau", "p", "g")}


def read(folder: Path) -> Raw:
    """Return tau, p and g, (n, 4) each, stab and whether it is stable.

    Copies in circulation print more or fewer digits, so numbers are rounded to nine decimals.
    """
    columns = read_csv(locate(folder, "Data_for_UCI_named.csv"))
    return {
        **{name: numbers(columns, names).round(_DECIMALS) for name, names in _BLOCKS.items()},
        "stab": numbers(columns, ["stab"])[:, 0].round(_DECIMALS),
        "stable": (columns["stabf"] == "stable").astype(np.int64),
    }


@dataclass(frozen=True, slots=True)
class GridStability:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 10,000 grids, tasks stable (0 or 1) and margin (the real part of a pole)."""
        raw = arrays_of("grid_stability", read)
        return assemble(
            "grid_stability",
            raw,
            modalities={Modality(name, (4,), "tabular"): raw[name] for name in _BLOCKS},
            tasks={
                Task("stable", "classification", 2): raw["stable"],
                Task("margin", "regression", 1): raw["stab"],
            },
        )
