"""Results that others published on real devices: shown beside a study's own, never mixed in.

The file published.toml holds them with device and date. They appear only where the study ran the
same instance at the same angles.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Published:
    """One device's published result at one size.

    Attributes:
        device, date: as published; "" where the date is not.
        ratio: least and greatest approximation ratio that is published; equal if it is one run.
        seconds: least and greatest time of a job, over all sizes; None where not published.
    """

    device: str
    date: str
    ratio: tuple[float, float]
    seconds: tuple[float, float] | None

    @property
    def snapshot(self) -> str:
        """The backend that would be this device's snapshot."""
        return f"aer:fake_{self.device.removeprefix('ibm_')}"


def published(decision: Mapping[str, Any], solver: Mapping[str, Any]) -> tuple[Published, ...]:
    """Return the published results on the instance and angles of a cell, best first.

    Args:
        decision, solver: those sections of the cell.

    >>> ramp = {"delta_gamma": 0.6, "delta_beta": 0.3, "unit": "none"}
    >>> solver = {"depth": 10, "schedule": "linear_ramp", "schedule_options": ramp}
    >>> [p.device for p in published({"problem": "chain", "nodes": 100}, solver)][:2]
    ['ibm_boston', 'ibm_kingston']
    """
    file = _file()
    ramp = solver.get("schedule_options", {})
    same = (
        decision.get("problem") == file["problem"]
        and solver.get("depth") == file["depth"]
        and solver.get("schedule") == "linear_ramp"
        and ramp.get("unit") == "none"
        and all(ramp.get(name) == file[name] for name in ("delta_gamma", "delta_beta"))
    )
    if not same:
        return ()
    size = str(decision["nodes"])
    found = [_row(row, row["ratio"][size]) for row in file["result"] if size in row["ratio"]]
    return tuple(sorted(found, key=lambda each: -each.ratio[1]))


def source() -> str:
    """Return where the results are from, and under which licence."""
    return f"{_file()['source']}; licence {_file()['licence']}"


def _row(row: Mapping[str, Any], ratio: list[float]) -> Published:
    seconds = row.get("seconds")
    return Published(
        device=row["device"],
        date=row["date"],
        ratio=(min(ratio), max(ratio)),
        seconds=(min(seconds), max(seconds)) if seconds else None,
    )


@cache
def _file() -> dict[str, Any]:
    text = (files("qfl.report.deciding") / "published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
