"""Multiple Features: 2,000 digits through six feature sets, each a modality."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate

VIEWS = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}


def read(folder: Path) -> Raw:
    """Return the six views, (n, features) float64, and the digit.

    The official files are columns of numbers without labels, equally many rows per digit in
    order; the repack has a header line, the label in the last column, and five significant
    digits, to which both are rounded.
    """
    raw = {}
    for view in VIEWS:
        path = locate(folder, f"mfeat-{view}.csv", f"mfeat-{view}")
        if path.suffix:
            table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
            raw[view], digit = rounded(table[:, :-1]), table[:, -1]
        else:
            raw[view] = rounded(np.loadtxt(path, ndmin=2))
            digit = np.repeat(np.arange(10), len(raw[view]) // 10)
    return {**raw, "digit": digit.astype(np.int64)}


def rounded(values: NDArray[np.float64], digits: int = 5) -> NDArray[np.float64]:
    """Return the values with so many significant digits, as if printed and read again.

    >>> rounded(np.array([133.150008, 0.0110334, 0.0])).tolist()
    [133.15, 0.011033, 0.0]
    """
    size = np.floor(np.log10(np.abs(np.where(values == 0, 1.0, values))))
    power = digits - 1 - size
    up, down = 10.0 ** np.maximum(power, 0), 10.0 ** np.maximum(-power, 0)
    return np.rint(values * up / down) * down / up


@dataclass(frozen=True, slots=True)
class Mfeat:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 2,000 digits, tasks digit and parity."""
        raw = arrays_of("mfeat", read)
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
