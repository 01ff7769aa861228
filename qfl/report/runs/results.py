"""A run on disk as the report sees it: finished runs by method and seed, and everything else.

Reads study.lock.toml, cells.jsonl and provenance/*.json; writes nothing, computes no statistics.
Methods, settings and seeds are sorted, so the order in which cells finished leaves no trace.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.choice import Choice
from qfl.core.errors import ConfigError, StoreError
from qfl.core.metrics import ON_STAGE, at_the_end, metric
from qfl.core.record import Costs, RoundRecord
from qfl.report.runs.complete import gap
from qfl.report.words import natural
from qfl.study.fingerprint import fingerprint
from qfl.study.folder import LOCK, RunFolder
from qfl.study.grid import pairing_key
from qfl.study.run import PLAYER
from qfl.study.store import CellRow

METHOD = "method"
MODALITY = "@"
"""In a metric's name: "digit.accuracy@image" is measured on the image alone."""

AXES = ("round", "virtual_seconds", "payload_bytes", "total_seconds")
"""What a learning curve may be drawn against."""


@dataclass(frozen=True, slots=True)
class HeadlineRequest:
    """The one comparison that the study declared before it ran.

    Attributes:
        metric: of the held-out test set, such as "digit.accuracy".
        method, baseline: labels; the difference is method minus baseline.
        target: value whose first reaching is compared; None compares final values.
    """

    metric: str
    method: str
    baseline: str
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One finished cell.

    Attributes:
        label: the method as the study calls it.
        method: the label, with the axes that only some methods have: "qaoa, depth 4".
        setting: the axes that all methods share, as text; "" if there are none.
        pairing: equal for runs that only their solver tells apart.
    """

    row: CellRow
    label: str
    method: str
    setting: str
    seed: int
    pairing: str

    @property
    def rounds(self) -> int:
        """Rounds of training (the evaluation before training is round 0), or decisions."""
        return self.row.rounds[-1].round

    @property
    def trains(self) -> bool:
        """False if the cell decides an instance and trains nobody."""
        return not self.row.cell.decision

    def metric_names(self) -> tuple[str, ...]:
        """Return the names measured on the held-out test set, in the order recorded."""
        return tuple(dict.fromkeys(name for record in self.row.rounds for name in record.metrics))

    def curve(self, name: str) -> NDArray[np.float64]:
        """Return (rounds measured,) values of one metric."""
        return np.array([r.metrics[name] for r in self.row.rounds if name in r.metrics])

    def final(self, name: str) -> float:
        """Return a metric of the last record, NaN if that one does not have it."""
        return self.row.rounds[-1].metrics.get(name, math.nan)

    def once(self, name: str) -> float:
        """Return the last value of a metric that few records have, NaN if none has."""
        curve = self.curve(name)
        return float(curve[-1]) if curve.size else math.nan

    def spent(self, axis: str) -> NDArray[np.float64]:
        """Return (records,) what had been spent on one of `AXES` by the end of each round."""
        if axis == "round":
            return np.array([record.round for record in self.row.rounds], dtype=np.float64)
        return np.cumsum([_spent(record, axis) for record in self.row.rounds])

    def axis(self, axis: str, name: str) -> NDArray[np.float64]:
        """Return what had been spent when each value of `curve(name)` was measured."""
        return self.spent(axis)[[name in record.metrics for record in self.row.rounds]]

    def choices(self) -> tuple[Choice, ...]:
        """Return the decisions of all rounds."""
        return tuple(record.choice for record in self.row.rounds if record.choice is not None)

    def costs(self) -> Costs:
        """Return what all rounds used together."""
        total = Costs()
        for record in self.row.rounds:
            total = total + record.costs
        return total


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a report says, before any statistics.

    Attributes:
        runs: finished cells, by setting, method and seed; stale ones are among them.
        unfinished: failed, skipped and pending cells, and finished ones whose records have a gap.
        todo: names of cells that have not ended.
        stale: ids of finished cells that other code than the installed one made.
        provenance: reference -> contents of provenance/<reference>.json.
        calibrations: id -> contents of calibration/<id>.json, of the ids that decisions name.
        lock, lock_text: the resolved study, parsed and as written.
    """

    name: str
    lock: Mapping[str, Any]
    lock_text: str
    headline: HeadlineRequest | None
    runs: tuple[Run, ...]
    unfinished: tuple[CellRow, ...]
    todo: tuple[str, ...]
    stale: frozenset[str]
    provenance: Mapping[str, Mapping[str, Any]]
    calibrations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """All methods, in the order of the study."""
        order = [str(method.get("label")) for method in self.lock.get("methods", ())]
        place = {label: i for i, label in enumerate(order)}
        found = {(place.get(r.label, len(place)), r.label, r.method) for r in self.runs}
        ordered = sorted(found, key=lambda item: (item[0], item[1], natural(item[2])))
        return tuple(method for *_, method in ordered)

    @property
    def trains(self) -> bool:
        """False if the cells decide instances and train nobody; a seed is then an instance."""
        return not self.lock.get("decision")

    @property
    def unit(self) -> str:
        """What is replicated: seeds, or instances where every seed draws its own."""
        return "seed" if self.trains or self._one_instance() else "instance"

    def _one_instance(self) -> bool:
        """Return True if all seeds of a setting meet the same instance."""
        met: dict[str, set[str]] = {}
        for run in self.runs:
            met.setdefault(run.setting, set()).update(c.problem_hash for c in run.choices())
        return len(self.seeds) > 1 and all(len(hashes) == 1 for hashes in met.values())

    @property
    def noisy(self) -> bool:
        """True if some method's circuit ran on a device, its snapshot or under a noise model."""
        return any(not is_ideal(run.row.cell.solver) for run in self.runs)

    @property
    def extrapolates(self) -> bool:
        """True if some method has a mean cost that is not that of its samples."""
        return any(run.row.cell.solver["name"] == "qaoa_mean" for run in self.runs)

    def plain(self) -> tuple[str, ...]:
        """Return the methods without axes of their own, in the order of the study."""
        known = {run.method for run in self.runs if run.method == run.label}
        return tuple(method for method in self.methods if method in known)

    def representatives(self) -> tuple[str, ...]:
        """Return one method per label: the last of those with axes of their own."""
        labels = {run.method: run.label for run in self.runs}
        last = {labels[method]: method for method in self.methods}
        return tuple(last.values())

    def variants(self, label: str) -> tuple[str, ...]:
        """Return the methods that the study calls `label`."""
        known = {run.method for run in self.runs if run.label == label}
        return tuple(method for method in self.methods if method in known)

    @property
    def settings(self) -> tuple[str, ...]:
        """All combinations of the other labels."""
        return tuple(sorted({run.setting for run in self.runs}, key=natural))

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds of finished cells."""
        return tuple(sorted({run.seed for run in self.runs}))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names measured on the held-out test set; the headline's metric first, losses last.
        Those measured once, after forgetting or of parts of a model, are not among them."""
        first = self.headline.metric if self.headline else ""
        names = dict.fromkeys(name for run in self.runs for name in run.metric_names())
        names = dict.fromkeys(name for name in names if not at_the_end(name))
        return tuple(sorted(names, key=lambda n: (n != first, n.endswith("loss"), n)))

    @property
    def stage_metrics(self) -> tuple[str, ...]:
        """The scores on the single stages of a stream, in order; empty without one."""
        names = {name for run in self.runs for name in run.metric_names()}
        return tuple(sorted((n for n in names if f".{ON_STAGE}{MODALITY}" in n), key=natural))

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """The metrics of whole tasks, without those of a single modality."""
        return tuple(name for name in self.metrics if MODALITY not in name)

    def of(self, setting: str, method: str) -> tuple[Run, ...]:
        """Return the runs of one method in one setting, by seed."""
        return tuple(r for r in self.runs if (r.setting, r.method) == (setting, method))

    def text(self, key: str) -> str:
        """Return a text of the study such as its title, or ""."""
        return str(self.lock.get(key, ""))


def read(run_dir: Path) -> Results:
    """Return what `run_dir` holds of the cells that its study asks for.

    Raises:
        StoreError: this is no run, it has no finished or failed cell yet, or a file is damaged.
        ConfigError: the headline of the study cannot be understood.
    """
    folder = RunFolder(run_dir)
    lock = folder.lock()
    rows = folder.rows()
    if not rows:
        raise StoreError(f"{folder.cells} holds no cell yet; run the study first")
    ended = {row.cell.id for row in rows}
    kept = [_complete(row) for row in rows]
    return Results(
        name=str(lock.get("name", run_dir.resolve().name)),
        lock=lock,
        lock_text=(run_dir / LOCK).read_text(encoding="utf-8").partition("\n[lock")[0],
        headline=_headline(lock, run_dir / LOCK),
        runs=_runs([row for row in kept if row.status == "done"]),
        unfinished=tuple(
            sorted((row for row in kept if row.status != "done"), key=lambda row: row.cell.id)
        ),
        todo=tuple(sorted(name for id_, name in folder.asked().items() if id_ not in ended)),
        stale=_stale(rows),
        provenance=_provenance(run_dir, rows),
        calibrations=_calibrations(run_dir, rows),
    )


def _complete(row: CellRow) -> CellRow:
    """Return the row; as skipped, with the reason, if it is finished and a record is missing."""
    found = gap(row) if row.status == "done" else ""
    return replace(row, status="skipped", reason=f"not compared: {found}") if found else row


def is_ideal(solver: Mapping[str, Any]) -> bool:
    """Return True for a solver without a circuit, or with one on a simulator without noise.

    >>> is_ideal({"name": "greedy"}), is_ideal({"name": "qaoa", "backend": "aer:fake_fez"})
    (True, False)
    """
    return str(solver.get("backend", _IDEAL[0])).partition(":")[0] in _IDEAL


_IDEAL = ("subspace", "statevector", "pennylane")


def _stale(rows: list[CellRow]) -> frozenset[str]:
    """Return the finished cells that other code than the installed one made."""
    return frozenset(
        row.cell.id
        for row in rows
        if row.status == "done" and row.fingerprint != fingerprint(row.cell, PLAYER)
    )


def method_label(row: CellRow) -> str:
    """Return what the study calls the method of this cell."""
    return row.cell.labels.get(METHOD, "") or str(row.cell.solver["name"])


def _runs(rows: list[CellRow]) -> tuple[Run, ...]:
    """Return the finished cells, each named by its method and by the setting it shares."""
    axes: dict[str, set[str]] = {}
    for row in rows:
        for key in row.cell.labels:
            axes.setdefault(key, set()).add(method_label(row))
    methods = {method_label(row) for row in rows}
    runs = []
    for row in rows:
        label = method_label(row)
        texts = {key: f"{key} {row.cell.labels[key]}" for key in sorted(row.cell.labels)}
        own = [text for key, text in texts.items() if axes[key] != methods]
        shared = [text for key, text in texts.items() if axes[key] == methods and key != METHOD]
        names = label, ", ".join([label, *own]), ", ".join(shared)
        runs.append(Run(row, *names, row.cell.seed, pairing_key(row.cell)))
    return tuple(sorted(runs, key=lambda r: (r.setting, r.method, r.seed, r.row.cell.id)))


def _headline(lock: Mapping[str, Any], path: Path) -> HeadlineRequest | None:
    table = lock.get("headline")
    if not table:
        return None
    try:
        request = HeadlineRequest(**table)
    except TypeError:
        raise ConfigError(
            f"{path}: headline has keys {sorted(table)}; it needs metric, method and baseline, "
            "and may have a target"
        ) from None
    metric(request.metric)
    return request


def _provenance(run_dir: Path, rows: list[CellRow]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for reference in sorted({row.provenance for row in rows} - {""}):
        path = run_dir / "provenance" / f"{reference}.json"
        try:
            found[reference] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            found[reference] = {"missing": f"{path.name} is not in {path.parent.name}/"}
        except ValueError as error:
            raise StoreError(f"{path} is damaged: {error}") from error
    return found


def _calibrations(run_dir: Path, rows: list[CellRow]) -> dict[str, Mapping[str, Any]]:
    named = {
        name
        for row in rows
        for record in row.rounds
        if record.choice is not None
        for name in str(record.choice.diagnostics.get("calibration", "")).split()
    }
    found: dict[str, Mapping[str, Any]] = {}
    for name in sorted(named):
        path = run_dir / "calibration" / f"{name}.json"
        try:
            found[name] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue  # the table says that the record is missing
        except ValueError as error:
            raise StoreError(f"{path} is damaged: {error}") from error
    return found


def _spent(record: RoundRecord, axis: str) -> float:
    if axis == "virtual_seconds":
        return record.costs.virtual_seconds
    if axis == "payload_bytes":
        return record.costs.payload_bytes_up + record.costs.payload_bytes_down
    return record.timings.total_seconds
