"""MNIST: 70,000 handwritten digits, out of the four official files or one npz."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate, unpacked

_OFFICIAL = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


def read(folder: Path) -> Raw:
    """Return x_train, y_train, x_test, y_test as uint8 arrays in the official order."""
    if list(folder.rglob("*.npz")):
        return unpacked(locate(folder, "mnist_70k_uint8.npz"), *_OFFICIAL)
    return {name: read_idx(locate(folder, file)) for name, file in _OFFICIAL.items()}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array of a gzipped IDX file of bytes."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = np.frombuffer(content, ">i4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


@dataclass(frozen=True, slots=True)
class Mnist:
    """The loader.

    Attributes:
        samples: keep the first so many training pictures, 0 for all.
    """

    samples: int = 0

    def load(self) -> Dataset:
        """Return the pictures scaled to 0..1, tasks digit and parity; official test set."""
        raw = arrays_of("mnist", read)
        kept = self.samples or len(raw["x_train"])
        pixels = np.concatenate([raw["x_train"][:kept], raw["x_test"]])
        digit = np.concatenate([raw["y_train"][:kept], raw["y_test"]]).astype(np.int64)
        return assemble(
            "mnist",
            raw,
            modalities={Modality("image", (28, 28), "image"): pixels / np.float32(255)},
            tasks={
                Task("digit", "classification", 10): digit,
                Task("parity", "classification", 2): digit % 2,
            },
            test_rows=np.arange(kept, len(digit)),
        )
