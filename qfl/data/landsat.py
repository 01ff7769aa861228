"""Landsat: 3 x 3 pixels in four spectral bands, each band a modality."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate, unpacked

BANDS = ("green", "red", "infrared_1", "infrared_2")
_TRAIN = 4435


def read(folder: Path) -> Raw:
    """Return x (n, 36) uint8, pixel by pixel, and y 0 to 5; the official label 7 is 5."""
    if list(folder.rglob("*.npz")):
        return unpacked(locate(folder, "statlog_landsat.npz"), "x", "y")
    table = np.concatenate(
        [np.loadtxt(locate(folder, f"sat.{p}"), ndmin=2) for p in ("trn", "tst")]
    )
    label = table[:, -1]
    return {
        "x": table[:, :-1].astype(np.uint8),
        "y": np.where(label == 7, 5, label - 1).astype(np.uint8),
    }


@dataclass(frozen=True, slots=True)
class Landsat:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 6,435 patches, task land; the last 2,000 rows are the official test set."""
        raw = arrays_of("landsat", read)
        bands = raw["x"].reshape(-1, 9, len(BANDS))
        return assemble(
            "landsat",
            raw,
            modalities={
                Modality(name, (9,), "vector"): bands[:, :, k] for k, name in enumerate(BANDS)
            },
            tasks={Task("land", "classification", 6): raw["y"]},
            test_rows=np.arange(_TRAIN, len(raw["y"])),
        )
