"""AV-digits: every spoken digit beside a handwritten picture of the same digit.

Real speech, real pictures, real speakers; what is made up is that they belong together. The k-th
clip of a digit meets the k-th picture of it, training clips the training pictures and test clips
the test pictures, so nothing in the pairing is drawn. Noise on the pictures makes the two
modalities worth about the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Modality, Task
from qfl.data import fsdd, mnist
from qfl.data.assemble import assemble
from qfl.data.catalog import arrays_of

IMAGE = Modality("image", (28, 28), "image")
TASKS = (
    Task("digit", "classification", 10),
    Task("parity", "classification", 2),
    Task("speaker", "classification", 6),
)


@dataclass(frozen=True, slots=True)
class AvDigits:
    """The loader.

    Attributes:
        image_noise: standard deviation of the normal noise on pictures that range over 0..1.
        noise_seed: of its stream; the same for every cell.
    """

    image_noise: float = 0.9
    noise_seed: int = 0

    def load(self) -> Dataset:
        """Return 3,000 pairs, tasks digit, parity and speaker; natural clients are speakers."""
        sound, ink = arrays_of("fsdd", fsdd.read), arrays_of("mnist", mnist.read)
        test = sound["index"] < fsdd.TEST_INDEX
        digit = sound["digit"].astype(np.int64)
        image = np.empty((len(digit), 28, 28), np.float32)
        for rows, pixels, labels in (
            (np.flatnonzero(~test), ink["x_train"], ink["y_train"]),
            (np.flatnonzero(test), ink["x_test"], ink["y_test"]),
        ):
            image[rows] = pixels[partners(digit[rows], labels)] / np.float32(255)
        rng = Streams(self.noise_seed)("data/av_digits")
        image += (self.image_noise * rng.standard_normal(image.shape)).astype(np.float32)
        speaker = np.unique(sound["speaker"], return_inverse=True)[1]
        return assemble(
            "av_digits",
            {
                **{f"fsdd/{k}": v for k, v in sound.items()},
                **{f"mnist/{k}": v for k, v in ink.items()},
            },
            modalities={fsdd.AUDIO: fsdd.pictures(sound), IMAGE: image},
            tasks=dict(zip(TASKS, (digit, digit % 2, speaker), strict=True)),
            test_rows=np.flatnonzero(test),
            groups={"speaker": speaker},
        )


def partners(digit: NDArray[np.int64], labels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return for each digit the row of `labels` it is paired with: its k-th meets the k-th.

    >>> partners(np.array([1, 0, 1]), np.array([0, 1, 1, 0], np.uint8)).tolist()
    [1, 0, 2]
    """
    rows = np.empty(len(digit), np.intp)
    for label in np.unique(digit):
        own = np.flatnonzero(digit == label)
        rows[own] = np.flatnonzero(labels == label)[: len(own)]
    return rows
