"""Spoken digits: recordings as they are distributed, one after the other."""

import wave

import numpy as np

from qfl.data import fsdd
from tests.data.distributions import folders, same


def test_fsdd(tmp_path):
    official, repack = folders(tmp_path)
    (official / "recordings").mkdir()
    clips = {
        "0_george_0": np.array([1, -2, 3], np.int16),
        "0_george_10": np.array([-32768, 32767], np.int16),
        "7_yweweler_2": np.arange(5, dtype=np.int16),
    }
    for name, pcm in reversed(clips.items()):
        with wave.open(str(official / "recordings" / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(pcm.astype("<i2").tobytes())
    np.savez(
        repack / "fsdd_8khz_int16.npz",
        pcm=np.concatenate(list(clips.values())),
        offset=np.array([0, 3, 5, 10]),
        digit=np.array([0, 0, 7], np.uint8),
        speaker=np.array(["george", "george", "yweweler"]),
        index=np.array([0, 10, 2], np.uint8),
    )
    same(fsdd.read(official), fsdd.read(repack))
    assert fsdd.pictures(fsdd.read(repack)).shape == (3, 40, 32)
