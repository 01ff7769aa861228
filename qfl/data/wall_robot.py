"""A wall-following robot: 24 sonars in four arcs, the action taken, and the way ahead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import codes

ARCS = ("front", "left", "back", "right")
_SONARS, _LAPS = 24, 4


def read(folder: Path) -> Raw:
    """Return the sonars (n, 24) in metres, and the action as text."""
    path = locate(folder, "sensor_readings_24.csv", "sensor_readings_24.data")
    table = np.loadtxt(path, delimiter=",", dtype=str, ndmin=2)
    return {"sonar": table[:, :_SONARS].astype(np.float64), "action": table[:, _SONARS]}


@dataclass(frozen=True, slots=True)
class WallRobot:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 5,455 steps, tasks action and next (least distance ahead one step later).

        Natural clients are four blocks of time, about one lap each.
        """
        raw = arrays_of("wall_robot", read)
        sonar, steps = raw["sonar"][:-1], len(raw["sonar"]) - 1
        width = _SONARS // len(ARCS)
        arcs = {
            Modality(name, (width,), "tabular"): sonar[:, k * width : (k + 1) * width]
            for k, name in enumerate(ARCS)
        }
        return assemble(
            "wall_robot",
            raw,
            modalities=arcs,
            tasks={
                Task("action", "classification", 4): codes(raw["action"])[:-1],
                Task("next", "regression", 1): raw["sonar"][1:].min(1),
            },
            groups={"lap": np.arange(steps) * _LAPS // steps},
        )
