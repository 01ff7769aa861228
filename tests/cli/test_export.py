"""`qfl export`: a line per round."""

import csv
import io

from qfl.study.store import load


def test_export_is_one_csv_line_per_round(qfl, run_folder, here):
    done = qfl("export")
    lines = list(csv.DictReader(io.StringIO(done.out)))
    assert len(lines) == 16
    assert lines[0]["method"] == "random"
    row = load(run_folder / "cells.jsonl")[-1]
    assert float(lines[-1]["digit.accuracy"]) == row.rounds[-1].metrics["digit.accuracy"]
    assert qfl("export", "toy", "--csv", "toy.csv").err == "toy.csv: 16 lines\n"
    assert (here / "toy.csv").read_text() == done.out
    assert "cannot write none/toy.csv" in qfl("export", "toy", "--csv", "none/toy.csv").err
