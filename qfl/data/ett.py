"""Electricity transformers: two sites, seven hourly channels; the next day from the last four.

CC BY-ND: the files stay as they are, windows live in memory alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import numbers, read_csv
from qfl.data.windows import cut, starts

CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
_MONTH = 30 * 24
TRAIN, VALIDATE, TEST = 12 * _MONTH, 4 * _MONTH, 4 * _MONTH
"""Hours of the customary split: a year of months of 30 days, then four and four."""


def read(folder: Path) -> Raw:
    """Return the channels of each site, (hours, 7) float64."""
    return {
        site: numbers(read_csv(locate(folder, f"ETT{site}.csv")), CHANNELS) for site in ("h1", "h2")
    }


@dataclass(frozen=True, slots=True)
class Ett:
    """The loader.

    Attributes:
        site: which transformer, or both, one after the other.
        past, ahead: hours shown and to forecast.
        stride: hours between windows.
    """

    site: Literal["h1", "h2", "both"] = "h1"
    past: int = 96
    ahead: int = 24
    stride: int = 1

    def load(self) -> Dataset:
        """Return one sample per window and channel, scaled as the training year is.

        The rows of the test months are the official test set; a test window may look back into
        the months before. Groups: site, channel, and block (0 train, 1 validate, 2 test).
        """
        raw = arrays_of("ett", read)
        past, future, keys = [], [], []
        for number, site in enumerate(("h1", "h2")):
            if self.site not in (site, "both"):
                continue
            year = raw[site][:TRAIN]
            series = (raw[site][: TRAIN + VALIDATE + TEST] - year.mean(0)) / year.std(0)
            at = starts(len(series), length=self.past + self.ahead, stride=self.stride)
            first = at + self.past
            last = first + self.ahead
            block = np.where(last <= TRAIN, 0, np.where(last <= TRAIN + VALIDATE, 1, 2))
            block[(block == 1) & (first < TRAIN)] = -1
            block[(block == 2) & (first < TRAIN + VALIDATE)] = -1
            at, block = at[block >= 0], block[block >= 0]
            windows = cut(series, at, self.past + self.ahead).transpose(0, 2, 1)
            past.append(windows[..., : self.past].reshape(-1, self.past))
            future.append(windows[..., self.past :].reshape(-1, self.ahead))
            channel = np.tile(np.arange(len(CHANNELS)), len(at))
            keys.append(np.stack([np.full(len(channel), number), channel,
                                  np.repeat(block, len(CHANNELS))]))  # fmt: skip
        site_key, channel, block = np.concatenate(keys, axis=1)
        return assemble(
            "ett",
            raw,
            modalities={Modality("load", (self.past,), "series"): np.concatenate(past)},
            tasks={Task("next", "forecast", self.ahead): np.concatenate(future)},
            test_rows=np.flatnonzero(block == 2),
            groups={"site": site_key, "channel": channel, "block": block},
        )
