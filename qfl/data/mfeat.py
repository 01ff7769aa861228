"""Multiple Features: 2,000 digits through six feature sets, each a modality."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, locate, require_folder

VIEWS = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}


def read(folder: Path) -> Raw:
    """Return the six views, (n, features) float64, and the digit.

    The official files are columns of numbers without labels, equally many rows per digit in
    order; the repack has a header line and the label in the last column.
    """
    raw = {}
    for view in VIEWS:
        path = locate(folder, f"mfeat-{view}.csv", f"mfeat-{view}")
        if path.suffix:
            table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
            raw[view], digit = table[:, :-1], table[:, -1]
        else:
            raw[view] = np.loadtxt(path, ndmin=2)
            digit = np.repeat(np.arange(10), len(raw[view]) // 10)
    return {**raw, "digit": digit.astype(np.int64)}


@dataclass(frozen=True, slots=True)
class Mfeat:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 2,000 digits, tasks digit and parity."""
        raw = read(require_folder("mfeat"))
        digit = raw["digit"]
        return assemble(
            "mfeat",
            raw,
            modalities={
                Modality(view, (size,), "vector"): raw[view] for view, size in VIEWS.items()
            },
            tasks={
                Task("digit", "classification", 10): digit,
                Task("parity", "classification", 2): digit % 2,
            },
        )
