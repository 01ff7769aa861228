"""Data sets, and how they are divided among clients. Loaders never download inside a run."""

from __future__ import annotations

from qfl.core.registry import Registry, Row

DATASETS = Registry(
    "dataset",
    {
        "digits": Row(
            "qfl.data.digits:Digits",
            "1,797 handwritten digits of scikit-learn (8x8): image and ink profile; digit, slant",
        ),
    },
)
