"""Turbofans that run to failure: how many flights an engine has left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate

_SOON = 30


def read(folder: Path) -> Raw:
    """Return train and test, (rows, 26) float64, and the final lives of the test engines."""
    return {
        "train": np.loadtxt(locate(folder, "train_FD001.txt"), ndmin=2),
        "test": np.loadtxt(locate(folder, "test_FD001.txt"), ndmin=2),
        "life": np.loadtxt(locate(folder, "RUL_FD001.txt"), ndmin=1),
    }


@dataclass(frozen=True, slots=True)
class Cmapss:
    """The loader.

    Attributes:
        window: cycles shown.
        cap: a life beyond this counts as this, as the literature does.
        stride: cycles between windows of a training engine.
    """

    window: int = 32
    cap: int = 125
    stride: int = 4

    def load(self) -> Dataset:
        """Return windows of the columns that vary, tasks life (cycles) and soon (within 30).

        The test set holds the last window of every test engine; engines shorter than a window are
        padded with their first cycle. Natural clients are engines.
        """
        raw = arrays_of("cmapss_fd001", read)
        columns = [k for k in range(2, 26) if raw["train"][:, k].std() > 1e-9]
        windows, lives, engines, held = [], [], [], []
        for part in ("train", "test"):
            for unit in np.unique(raw[part][:, 0]):
                rows = raw[part][raw[part][:, 0] == unit][:, columns]
                final = 0.0 if part == "train" else raw["life"][int(unit) - 1]
                for stop in self._stops(len(rows), part):
                    windows.append(_ending_at(rows, stop, self.window).T)
                    lives.append(min(float(self.cap), len(rows) - stop + final))
                    engines.append(int(unit) + (1000 if part == "test" else 0))
                    held.append(part == "test")
        life = np.array(lives)
        return assemble(
            "cmapss_fd001",
            raw,
            modalities={
                Modality("engine", (len(columns), self.window), "frames"): np.stack(windows)
            },
            tasks={
                Task("life", "regression", 1): life,
                Task("soon", "classification", 2): life <= _SOON,
            },
            test_rows=np.flatnonzero(held),
            groups={"engine": np.array(engines)},
        )

    def _stops(self, cycles: int, part: str) -> range:
        """Return after which cycles a window ends."""
        if part == "test":
            return range(cycles, cycles + 1)
        return range(cycles, min(self.window, cycles) - 1, -self.stride)


def _ending_at(rows: NDArray[np.float64], stop: int, window: int) -> NDArray[np.float64]:
    seen = rows[max(0, stop - window) : stop]
    return np.concatenate([np.repeat(seen[:1], window - len(seen), axis=0), seen])
