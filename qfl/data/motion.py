"""Smartphone and smartwatch motion: accelerometer and gyroscope of 23 people walking a course.

The data describe people: only aggregate results may be reported, and nobody is to be identified.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate, unpacked
from qfl.data.windows import cut, starts

ACTIVITIES = ("SEATED", "SITTING_DOWN", "STANDING_UP", "TURNING", "WALKING")
DEVICES = ("sp", "sw")
_NAMES = (
    "imu",
    "t_ms",
    "t0_ms",
    "label",
    "label_names",
    "offset",
    "subject",
    "execution",
    "device",
)
_STEP_MS, _STEPS = 10, 200


def read(folder: Path) -> Raw:
    """Return all recordings one after the other: imu (rows, 6), t_ms since the start of each,
    label, and per recording t0_ms, offset, subject, execution and device."""
    if list(folder.rglob("*.npz")):
        return unpacked(locate(folder, "sp_sw_har.npz"), *_NAMES)
    paths = sorted(folder.rglob("s??_??_s?.csv"), key=lambda path: path.name)
    locate(folder, "s??_??_s?.csv")
    tables = [_recording(path) for path in paths]
    keys = [path.stem.split("_") for path in paths]
    return {
        "imu": np.concatenate([imu for imu, _, _ in tables]),
        "t_ms": np.concatenate([(t - t[0]).astype(np.int32) for _, t, _ in tables]),
        "t0_ms": np.array([t[0] for _, t, _ in tables]),
        "label": np.concatenate([label for _, _, label in tables]),
        "label_names": np.array(ACTIVITIES),
        "offset": np.cumsum([0, *(len(t) for _, t, _ in tables)]),
        "subject": np.array([int(subject[1:]) for subject, _, _ in keys], np.uint8),
        "execution": np.array([int(execution) for _, execution, _ in keys], np.uint8),
        "device": np.array([device for _, _, device in keys]),
    }


def _recording(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.uint8]]:
    """Return motion, milliseconds and labels of one official file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return (
        np.array([row[:6] for row in rows], dtype=np.float32),
        np.array([row[6] for row in rows], dtype=np.int64),
        np.array([ACTIVITIES.index(row[7]) for row in rows], dtype=np.uint8),
    )


@dataclass(frozen=True, slots=True)
class SpSwHar:
    """The loader.

    Attributes:
        device: whose motion is shown; "both" adds the task of telling them apart.
        stride: steps of 10 ms between windows of 2 s.
    """

    device: Literal["both", "sp", "sw"] = "both"
    stride: int = 100

    def load(self) -> Dataset:
        """Return windows of 2 s at 100 Hz, tasks activity and, of both devices, device.

        Motion is resampled inside a recording, and no window crosses one. A window has the
        activity of most of its steps. Natural clients are people.
        """
        raw = arrays_of("sp_sw_har", read)
        windows, labels, owners, devices = [], [], [], []
        for k, (begin, end) in enumerate(zip(raw["offset"], raw["offset"][1:], strict=False)):
            device = str(raw["device"][k])
            if self.device not in ("both", device):
                continue
            motion, label = _resampled(raw["imu"][begin:end], raw["t_ms"][begin:end],
                                       raw["label"][begin:end])  # fmt: skip
            at = starts(len(motion), length=_STEPS, stride=self.stride)
            windows.append(cut(motion, at, _STEPS).transpose(0, 2, 1))
            votes = np.eye(len(ACTIVITIES))[cut(label, at, _STEPS)].sum(1)
            labels.append(votes.argmax(1))
            owners.append(np.full(len(at), raw["subject"][k]))
            devices.append(np.full(len(at), DEVICES.index(device)))
        tasks = {Task("activity", "classification", len(ACTIVITIES)): np.concatenate(labels)}
        if self.device == "both":
            tasks[Task("device", "classification", 2)] = np.concatenate(devices)
        return assemble(
            "sp_sw_har",
            raw,
            modalities={Modality("motion", (6, _STEPS), "imu"): np.concatenate(windows)},
            tasks=tasks,
            groups={"subject": np.concatenate(owners), "device": np.concatenate(devices)},
        )


def _resampled(
    motion: NDArray[np.float32], t_ms: NDArray[np.int32], label: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return motion every 10 ms, linear between the samples, and the last label at each step."""
    grid = np.arange(t_ms[0], t_ms[-1] + 1, _STEP_MS)
    even = np.stack([np.interp(grid, t_ms, motion[:, k]) for k in range(motion.shape[1])], axis=1)
    return even, label[np.searchsorted(t_ms, grid, side="right") - 1]
