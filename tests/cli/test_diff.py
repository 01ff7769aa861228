"""`qfl diff`: the same bit for bit, or where not."""


def test_diff_finds_the_first_number_that_differs(qfl, file, run_folder, here):
    qfl("run", file, "--jobs", 1, "--out", "again")
    assert "4 cells the same bit for bit" in qfl("diff", "toy", "again").err
    path = here / "again" / "cells.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    changed = lines[0].replace('"payload_bytes_up":2', '"payload_bytes_up":7')
    path.write_text("".join([changed, *lines[1:3]]))
    done = qfl("diff", "toy", "again")
    assert done.code == 4
    assert done.out.splitlines()[1:] == [
        "random, seed 0\tround 2: costs.payload_bytes_up is 2 and 7",
        "qaoa, seed 1\tonly in toy",
    ]
