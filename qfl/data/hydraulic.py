"""A hydraulic test rig: eight sensors at 1 Hz over cycles of a minute, five conditions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import codes

SENSORS = ("TS1", "TS2", "TS3", "TS4", "VS1", "CE", "CP", "SE")
CONDITIONS = ("cooler", "valve", "pump", "accumulator", "stable")
_BLOCKS = 10


def read(folder: Path) -> Raw:
    """Return each sensor, (cycles, 60) float64, and profile (cycles, 5) int64."""
    sensors = {name: np.loadtxt(locate(folder, f"{name}.txt"), ndmin=2) for name in SENSORS}
    profile = np.loadtxt(locate(folder, "profile.txt"), ndmin=2).astype(np.int64)
    return {**sensors, "profile": profile}


@dataclass(frozen=True, slots=True)
class Hydraulic:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 2,205 cycles, five classification tasks; natural clients are ten blocks of time.

        Cycles follow the experiment, so a random split flatters: hold out whole blocks.
        """
        raw = arrays_of("hydraulic", read)
        cycles = len(raw["profile"])
        levels = {name: codes(raw["profile"][:, k]) for k, name in enumerate(CONDITIONS)}
        return assemble(
            "hydraulic",
            raw,
            modalities={Modality(name, (60,), "sensor"): raw[name] for name in SENSORS},
            tasks={
                Task(name, "classification", int(level.max()) + 1): level
                for name, level in levels.items()
            },
            groups={"block": np.arange(cycles) * _BLOCKS // cycles},
        )
