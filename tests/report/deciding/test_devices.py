"""The section about simulators and hardware, on a small real run over one snapshot."""

import json

import pytest

from qfl.report.deciding.devices import MARGIN, calibrations_table, model_caution
from qfl.report.writing import summary
from qfl.report.writing.analysis import analyse
from qfl.report.writing.page import render


@pytest.fixture(scope="module")
def analysis(device_results):
    return analyse(device_results)


def test_every_figure_of_the_gap_is_there(analysis):
    labels = [column.key for column in analysis.tables["devices"].columns]
    assert labels == [
        *("method", "sample_ratioapproximation ratio, one sample"),
        "sampled_ratioapproximation ratio of samples",
        "effective_ratioeffective ratio over random",
        *("sampled_optimumP(optimum), samples", "kept_fractionfeasible samples"),
        *("mean_ratioratio of the mean cost", "depthdepth"),
        *("two_qubit_gatestwo-qubit gates", "decision_secondstime of one decision"),
    ]
    assert len(analysis.tables["gaps"].rows) == 9
    assert f"±{MARGIN}" in analysis.tables["gaps"].note
    assert "Noise alone leaves as feasible: 37.5 %." in analysis.tables["gaps"].note
    assert [figure.key for figure in analysis.sections["devices"]] == [
        "interval-sampled-ratio",
        "interval-sampled-optimum",
        "interval-kept-fraction",
        "interval-mean-ratio",
    ]


def test_what_mitigation_does_to_which_figure(device_results, analysis):
    """Post-selection moves no figure of feasible samples; extrapolation moves the mean alone."""
    rows = {row.cells[0].text: row for row in analysis.tables["gains"].rows}
    for pair in ("selected − manila", "extrapolated − manila"):
        assert [cell.text for cell in rows[pair].cells[1:4]] == [
            "0.0000",
            "0.00 points",
            "0.0 points",
        ]
        assert rows[pair].cells[4].text != "0.0000"
    records = {r.method: r.row.rounds[0].choice for r in device_results.runs if r.seed == 0}
    assert records["selected"].diagnostics["kept_fraction"] < 1
    assert records["selected"].diagnostics["mitigation"] == "post_selection"
    assert records["readout"].diagnostics["mitigation"] == "readout"
    assert records["extrapolated"].diagnostics["mitigation"] == "zero_noise"
    assert records["pulsed"].diagnostics["mitigation"] == "decoupling:XX"
    note = analysis.tables["gains"].note
    assert "says what these cost" in note
    assert "Relaxation of idle qubits has no memory" in note
    assert "mitigation" not in records["manila"].diagnostics


def test_a_number_is_traced_to_its_calibration(device_results, device_folder):
    table = calibrations_table(device_results)
    choice = next(r for r in device_results.runs if r.method == "manila").choices()[0]
    name = choice.diagnostics["calibration"]
    record = json.loads((device_folder / "calibration" / f"{name}.json").read_text())
    assert record["device"] == choice.diagnostics["device"] == "fake_manila"
    assert {"t1_seconds", "t2_seconds", "readout_error", "gate_error"} <= record["qubits"][0].keys()
    assert record["pairs"][0]["error"] > 0
    row = next(row for row in table.rows if row.cells[0].sort == name)
    assert row.cells[2].text == "2024-05-27"
    assert "manila" in row.cells[-1].text
    assert choice.two_qubit_gates > 0
    ideal = next(r for r in device_results.runs if r.method == "ideal").choices()[0]
    assert choice.two_qubit_gates > ideal.two_qubit_gates  # routing is on the bill


def test_the_error_of_the_model_is_printed_wherever_it_was_used(device_results, analysis):
    assert model_caution(device_results).startswith("guess runs under the gate-count noise model.")
    assert [row.cells[0].text for row in analysis.tables["model"].rows] == ["model − manila"]
    page = render(analysis)
    assert "P(feasible) +0.06 to +0.12 at six clients" in page
    assert "the table holds" in page
    assert "without shot noise, while those of raw rows are of finite shots" in page
    assert (
        "pulsed: depth 1, mixer xy_ring, on aer:fake_manila (dynamical_decoupling = XX, idle"
        in page
    )
    assert "manila: depth 1, mixer xy_ring, on aer:fake_manila;" in page  # all at their defaults
    for text in (
        "What each practice buys",
        "Error of the gate-count noise model",
        "Calibrations",
    ):
        assert text in page
    assert "## What each practice buys" in summary.render(analysis)["summary.md"]
