"""What did not count is printed with its reason, and before the headline is believed."""

from dataclasses import replace

from simulated_run import Simulation, write_run

from qfl.report.runs.exclusions import paragraph, untrained
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse
from qfl.report.writing.methods import paragraphs
from qfl.report.writing.page import render

FEW = Simulation(seeds=2, rounds=3, methods=("random", "greedy"))
WHY = "its training ended with NaN or infinity in encoder:image:*; nothing of it was kept or sent"


def run_of(folder, change):
    """A run in which `change` is made to every record of one method."""
    rows = [
        replace(row, rounds=tuple(change(record) for record in row.rounds))
        if row.cell.labels["method"] == "greedy"
        else row
        for row in FEW.rows()
    ]
    return read(write_run(folder / "selection", rows, FEW.lock()))


def test_excluded_clients_and_modules_are_counted_with_their_reasons(tmp_path):
    def change(record):
        if record.round != 2:
            return record
        return replace(record, excluded={"client-03": WHY}, left_out={"head:*:ink": "too few"})

    results = run_of(tmp_path, change)
    text = paragraph(results)
    assert f"client-03, 2 times: {WHY}." in text
    assert "head:*:ink, 2 times: too few." in text
    headings = {each.heading: each.text for each in paragraphs(results, (), ())}
    assert headings["Left out"] == text


def test_a_task_that_nobody_trains_is_said_before_the_headline_is_believed(tmp_path):
    def change(record):
        return replace(record, excluded={} if record.round else {"ink": "no client has it"})

    results = run_of(tmp_path, change)
    [sentence] = untrained(results)
    assert sentence.startswith("Nobody trained ink in 2 of 4 runs (greedy): its metrics there")
    assert sentence in render(analyse(results))


def test_nothing_is_said_of_a_run_without_exclusions(tmp_path):
    results = run_of(tmp_path, lambda record: record)
    assert (paragraph(results), untrained(results)) == ("", [])


def test_a_long_list_is_cut_and_says_so(tmp_path):
    many = {f"client-{i:02d}": WHY for i in range(12)}
    results = run_of(tmp_path, lambda r: replace(r, excluded=many) if r.round == 1 else r)
    assert paragraph(results).endswith("And 4 others, see the records.")
