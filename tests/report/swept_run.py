"""Simulated runs of two methods over a swept number, whose final metrics a test decides."""

import tomllib
from dataclasses import replace

from simulated_run import Simulation, write_run

from qfl.report.runs.results import read
from qfl.study.fingerprint import fingerprint
from qfl.study.folder import describe, toml
from qfl.study.run import PLAYER

SIMULATION = Simulation(seeds=6, rounds=1, methods=("random", "qaoa"), exchange=False)


def swept(folder, final, *, values=(4, 6, 9, 12), axis="pairs", first=None):
    """The results of a run in which a cell ends with the metrics `final(method, seed, value)`;
    `first(value)` changes fields of its record of round 0."""
    rows = [
        _at(row, axis, value, final, (first or (lambda value: {}))(value))
        for value in values
        for row in SIMULATION.rows()
    ]
    lock = tomllib.loads(SIMULATION.lock())
    del lock["headline"]["target"]
    lock["lock"]["cells"] = {row.cell.id: describe(row.cell) for row in rows}
    return read(write_run(folder, rows, toml(lock)))


def _at(row, axis, value, final, changes):
    method, seed = row.cell.labels["method"], row.cell.seed
    cell = replace(
        row.cell,
        scenario={**row.cell.scenario, axis: value},
        labels={**row.cell.labels, axis: str(value)},
    )
    start, *between, end = row.rounds
    metrics = {**end.metrics, **final(method, seed, value)}
    rounds = (replace(start, **changes), *between, replace(end, metrics=metrics))
    return replace(row, cell=cell, rounds=rounds, fingerprint=fingerprint(cell, PLAYER))
