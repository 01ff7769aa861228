"""The handwritten digits that ship with scikit-learn, seen through two modalities and two tasks.

Two ways to see a picture: `image` is all of it and `profile` a derived view, the ink of the eight
rows, then of the eight columns, as a sequence of 16 steps; or `upper` and `lower` are its halves,
of which neither tells the digit as well as both. `digit` is the class. `slant` is the
shear of the stroke, cov(row, column) / var(row) of the ink: the image determines it, while the
profile holds only the two marginals and can merely guess the covariance. (The total ink, the
obvious regression target, would be a plain sum of either view and teach nothing.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Modality, Samples, Task

Views = Literal["profile", "halves"]
"""How a picture becomes two modalities."""

MODALITIES: Mapping[Views, tuple[Modality, ...]] = {
    "profile": (Modality("image", (8, 8)), Modality("profile", (16,))),
    "halves": (Modality("upper", (4, 8)), Modality("lower", (4, 8))),
}
TASKS = (Task("digit", "classification", 10), Task("slant", "regression", 1))


@dataclass(frozen=True, slots=True)
class Digits:
    """The loader.

    Attributes:
        views: image and profile, or the two halves of the picture.
        noise: standard deviation of the normal noise on pixels, which range over 0..1.
        noise_seed: of its stream.
    """

    views: Views = "profile"
    noise: float = 0.0
    noise_seed: int = 0

    def load(self) -> Dataset:
        """Return the 1,797 samples.

        >>> data = Digits().load()
        >>> len(data.samples), data.samples.inputs["profile"].shape
        (1797, (1797, 16))
        """
        from sklearn.datasets import load_digits

        bunch = load_digits()
        image = (bunch.images / 16.0).astype(np.float32)
        samples = Samples(
            ids=np.arange(len(image), dtype=np.int64),
            inputs=self._seen(image),
            targets={"digit": bunch.target.astype(np.int64), "slant": slant(image)},
        )
        return Dataset(
            name="digits",
            modalities=MODALITIES[self.views],
            tasks=TASKS,
            samples=samples,
            source="scikit-learn load_digits (UCI Optical Recognition of Handwritten Digits)",
            licence="CC BY 4.0",
            sha256=sha256_hex(
                bunch.images.astype(np.uint8).tobytes(), bunch.target.astype(np.uint8).tobytes()
            ),
        )

    def _seen(self, image: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the modalities of the pictures, noise and all."""
        if self.noise:
            noise = Streams(self.noise_seed)("data/digits").standard_normal(image.shape)
            image = image + (self.noise * noise).astype(np.float32)
        if self.views == "halves":
            return {"upper": image[:, :4].copy(), "lower": image[:, 4:].copy()}
        ink = np.concatenate([image.sum(2), image.sum(1)], axis=1)
        return {"image": image, "profile": (ink / 8.0).astype(np.float32)}


def slant(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the shear of each picture, dimensionless, positive when strokes lean to the right
    going down.

    Args:
        image: (n, rows, columns) ink, not all zero.
    """
    ink = image.astype(np.float64)
    total = ink.sum((1, 2))
    rows, columns = np.arange(ink.shape[1]), np.arange(ink.shape[2])
    row = rows - (ink.sum(2) @ rows / total)[:, None]
    column = columns - (ink.sum(1) @ columns / total)[:, None]
    covariance = np.einsum("nij,ni,nj->n", ink, row, column)
    variance = np.einsum("nij,ni->n", ink, row**2)
    return (covariance / variance).astype(np.float32)
