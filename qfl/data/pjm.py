"""Hourly load of eleven utilities: the next day and the coming peak from the last four days."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate, unpacked
from qfl.data.tables import read_csv
from qfl.data.windows import starts

ZONES = ("AEP", "COMED", "DAYTON", "DEOK", "DOM", "DUQ", "EKPC", "FE", "NI", "PJME", "PJMW")


def read(folder: Path) -> Raw:
    """Return per zone `_t0` (its first hour), `_hour` (offsets) and `_mw` (float32), by hour.

    The official files are not sorted; where a clock change doubles an hour the first row counts.
    """
    if list(folder.rglob("*.npz")):
        return unpacked(locate(folder, "pjm_hourly.npz"))
    raw: dict[str, NDArray[Any]] = {}
    for zone in ZONES:
        columns = read_csv(locate(folder, f"{zone}_hourly.csv"))
        times = np.char.replace(columns["Datetime"], " ", "T").astype("datetime64[h]")
        hours, rows = np.unique(times, return_index=True)
        raw[f"{zone}_t0"] = hours[:1]
        raw[f"{zone}_hour"] = (hours - hours[0]).astype(np.int32)
        raw[f"{zone}_mw"] = columns[f"{zone}_MW"].astype(np.float32)[rows]
    return raw


@dataclass(frozen=True, slots=True)
class PjmHourly:
    """The loader.

    Attributes:
        past, ahead: hours shown and to forecast.
        stride: hours between windows.
        test_fraction: the last share of each zone's windows is the test set.
    """

    past: int = 96
    ahead: int = 24
    stride: int = 168
    test_fraction: float = 0.2

    def load(self) -> Dataset:
        """Return windows without missing hours: load history and calendar; next day and peak.

        The load is divided by the mean of the zone's training hours; `peak` is the quarter of the
        next day that holds its largest hour. Natural clients are zones.
        """
        raw = arrays_of("pjm_hourly", read)
        past, ahead, calendar, zones, held = [], [], [], [], []
        length = self.past + self.ahead
        for number, zone in enumerate(ZONES):
            load, first_hour = _filled(raw, zone)
            at = starts(len(load), length=length, stride=self.stride)
            windows = load[at[:, None] + np.arange(length)]
            whole = np.isfinite(windows).all(1)
            at, windows = at[whole], windows[whole]
            split = round(len(at) * (1 - self.test_fraction))
            level = np.nanmean(load[: at[split - 1] + length])
            past.append(windows[:, : self.past] / level)
            ahead.append(windows[:, self.past :] / level)
            calendar.append(_calendar(first_hour + at + self.past))
            zones.append(np.full(len(at), number))
            held.append(np.arange(len(at)) >= split)
        future = np.concatenate(ahead)
        return assemble(
            "pjm_hourly",
            raw,
            modalities={
                Modality("load", (self.past,), "series"): np.concatenate(past),
                Modality("calendar", (2,), "tabular", (7, 12)): np.concatenate(calendar),
            },
            tasks={
                Task("next", "forecast", self.ahead): future,
                Task("peak", "classification", 4): future.argmax(1) * 4 // self.ahead,
            },
            test_rows=np.flatnonzero(np.concatenate(held)),
            groups={"zone": np.concatenate(zones)},
        )


def _filled(raw: Raw, zone: str) -> tuple[NDArray[np.float64], np.datetime64]:
    """Return the load of every hour, NaN where it is missing, and the first hour."""
    hours = raw[f"{zone}_hour"]
    load = np.full(int(hours[-1]) + 1, np.nan)
    load[hours] = raw[f"{zone}_mw"]
    return load, raw[f"{zone}_t0"][0]


def _calendar(hours: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return day of the week (0 is Thursday, as in 1970) and month, (n, 2)."""
    day = hours.astype("datetime64[D]").astype(np.int64) % 7
    month = hours.astype("datetime64[M]").astype(np.int64) % 12
    return np.stack([day, month], axis=1).astype(np.float32)
