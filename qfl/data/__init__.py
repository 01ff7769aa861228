"""Data sets, and how they are divided among clients. Loaders never download inside a run."""

from __future__ import annotations

from qfl.core.registry import Registry, Row

DATASETS = Registry(
    "dataset",
    {
        "digits": Row(
            "qfl.data.digits:Digits",
            "1,797 handwritten digits of scikit-learn: 8x8 image, and profile, the ink of its rows "
            "and columns (a view derived from the same pixels); tasks digit and slant",
        ),
    },
)
