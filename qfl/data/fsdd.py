"""Spoken digits of six speakers, out of the official wave files or one npz."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.audio import BANDS, FRAMES, log_mel
from qfl.data.catalog import Raw, arrays_of, locate, unpacked

AUDIO = Modality("audio", (BANDS, FRAMES), "audio")
_NAMES = ("pcm", "offset", "digit", "speaker", "index")
TEST_INDEX = 5
"""Takes 0 to 4 of every digit and speaker are the official test set."""


def read(folder: Path) -> Raw:
    """Return pcm (flat int16), offset, digit, speaker and index, sorted by file name."""
    if list(folder.rglob("*.npz")):
        return unpacked(
            locate(folder, "fsdd_8khz_int16.npz"), "pcm", "offset", "digit", "speaker", "index"
        )
    paths = sorted(folder.rglob("recordings/*.wav"), key=lambda path: path.name)
    locate(folder, "*.wav")
    clips = []
    for path in paths:
        with wave.open(str(path), "rb") as file:
            clips.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    digit, speaker, index = zip(*(path.stem.split("_") for path in paths), strict=True)
    return {
        "pcm": np.concatenate(clips),
        "offset": np.cumsum([0, *map(len, clips)]),
        "digit": np.array(digit, dtype=np.uint8),
        "speaker": np.array(speaker),
        "index": np.array(index, dtype=np.uint8),
    }


def pictures(raw: Raw) -> np.ndarray:
    """Return the log-mel pictures of all clips, (n, 40, 32)."""
    sound = raw["pcm"].astype(np.float64) / 32768
    ends = zip(raw["offset"], raw["offset"][1:], strict=False)
    return np.stack([log_mel(sound[start:stop]) for start, stop in ends])


@dataclass(frozen=True, slots=True)
class Fsdd:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 3,000 clips, tasks digit, parity and speaker; natural clients are speakers."""
        raw = arrays_of("fsdd", read)
        digit = raw["digit"].astype(np.int64)
        speaker = np.unique(raw["speaker"], return_inverse=True)[1]
        return assemble(
            "fsdd",
            raw,
            modalities={AUDIO: pictures(raw)},
            tasks={
                Task("digit", "classification", 10): digit,
                Task("parity", "classification", 2): digit % 2,
                Task("speaker", "classification", 6): speaker,
            },
            test_rows=np.flatnonzero(raw["index"] < TEST_INDEX),
            groups={"speaker": speaker},
        )
