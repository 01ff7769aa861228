"""The Methods section: what it says follows from what ran, and nothing is said of what did not."""

from dataclasses import replace

from simulated_run import Simulation, simulate, write_run

from qfl.report.runs.results import read
from qfl.report.statistics.compare import primary
from qfl.report.writing.methods import paragraphs
from qfl.study.folder import describe, toml

FEW = Simulation(seeds=2, rounds=3, methods=("random", "greedy"))


def texts(results, families=(), unpaired=()):
    return {each.heading: each.text for each in paragraphs(results, families, unpaired)}


def test_modules_that_are_treated_otherwise_are_named(tmp_path):
    own = {"encoder:*": {"codec": "int8", "aggregator": "median"}}
    rows = [
        replace(row, cell=replace(row.cell, federation=row.cell.federation | {"modules": own}))
        for row in FEW.rows()
    ]
    asked = {row.cell.id: describe(row.cell) for row in rows}
    lock = toml({"name": "selection", "lock": {"schema": 1, "cells": asked}})
    results = read(write_run(tmp_path / "selection", rows, lock))
    assert texts(results)["Modules"] == (
        "Treated otherwise than the rest: encoder:* (aggregator median, codec int8)."
    )


def test_who_lost_its_partner_is_named(tmp_path):
    results = read(simulate(tmp_path, seeds=2, rounds=3, methods=("random", "qaoa")))
    assert "Every finished run has its partners." in texts(results)["Design"]
    alone = tuple(run for run in results.runs if (run.method, run.seed) == ("qaoa", 1))
    assert "that they have no partner for: QAOA (seed 1)." in texts(results, (), alone)["Design"]


def test_the_kind_of_interval_follows_from_the_number_of_seeds(tmp_path):
    for seeds, kind in ((6, "Student's t; with n = 6"), (10, "BCa bootstrap (4,000 resamples)")):
        folder = tmp_path / str(seeds)
        results = read(simulate(folder, seeds=seeds, rounds=2, methods=("random", "qaoa")))
        assert kind in texts(results, (primary(results),))["Unit of replication"]


def test_what_did_not_happen_has_no_paragraph(run_dir):
    assert (
        not {"Left out", "Forgetting", "Stream", "Time to solution"} & texts(read(run_dir)).keys()
    )
