"""The section about simulators and hardware, on a small real run over one snapshot."""

import json

import pytest

from qfl.report.deciding.devices import MARGIN, calibrations_table, model_caution
from qfl.report.deciding.places import ideal_pairs, model_pairs, places, raw_pairs
from qfl.report.deciding.published import published, source
from qfl.report.runs.results import read
from qfl.report.writing import summary
from qfl.report.writing.analysis import analyse
from qfl.report.writing.page import render
from qfl.study import Study, run

CIRCUIT = {"mixer": "xy_ring", "schedule": "transfer", "depth": 1}
SNAPSHOT = {"backend": "aer:fake_manila"}
PULSES = {"idle_errors": True, "dynamical_decoupling": "XX"}


def method(label, **options):
    return {"label": label, "solver": "qaoa", "shots": 256, **CIRCUIT, **options}


STUDY = {
    "name": "devices",
    "title": "Devices",
    "question": "What does noise do?",
    "hypothesis": "Harm.",
    "seeds": 3,
    "decision": {"problem": "client_selection", "clients": 4, "choose": 2},
    "methods": [
        method("ideal"),
        method("manila", **SNAPSHOT),
        method("plain", **SNAPSHOT, backend_options={"level": 0}),
        method("idle", **SNAPSHOT, backend_options={"idle_errors": True}),
        method("pulsed", **SNAPSHOT, backend_options=PULSES),
        method("readout", backend="mitigation:readout", backend_options=SNAPSHOT),
        method("selected", backend="mitigation:post_selection", backend_options=SNAPSHOT),
        {
            "label": "extrapolated",
            "solver": "qaoa_mean",
            "shots": 256,
            "backend_options": {**SNAPSHOT, "scales": (1, 3)},
            "qaoa": CIRCUIT,
        },
        method("model", backend="noise:depolarising", backend_options={"snapshot": "fake_manila"}),
        method("guess", backend="noise:depolarising", backend_options={"two_qubit_error": 0.01}),
    ],
    "headline": {"metric": "sampled_ratio", "method": "manila", "baseline": "ideal"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("devices") / "run"
    list(run(Study(**STUDY), out=path))
    return path


@pytest.fixture(scope="module")
def results(folder):
    return read(folder)


@pytest.fixture(scope="module")
def analysis(results):
    return analyse(results)


def test_methods_are_paired_by_the_circuit_that_they_share(results):
    noisy = ["manila", "plain", "idle", "pulsed"]
    noisy += ["readout", "selected", "extrapolated", "model", "guess"]
    assert ideal_pairs(results) == tuple((name, "ideal") for name in noisy)
    assert raw_pairs(results) == (
        ("manila", "plain"),
        ("idle", "manila"),
        ("pulsed", "idle"),
        ("readout", "manila"),
        ("selected", "manila"),
        ("extrapolated", "manila"),
    )
    assert model_pairs(results) == (("model", "manila"),)
    assert places(results)["manila"].is_at("aer:fake_manila", {})


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


def test_what_mitigation_does_to_which_figure(results, analysis):
    """Post-selection moves no figure of feasible samples; extrapolation moves the mean alone."""
    rows = {row.cells[0].text: row for row in analysis.tables["gains"].rows}
    for pair in ("selected − manila", "extrapolated − manila"):
        assert [cell.text for cell in rows[pair].cells[1:4]] == [
            "0.0000",
            "0.00 points",
            "0.0 points",
        ]
        assert rows[pair].cells[4].text != "0.0000"
    records = {r.method: r.row.rounds[0].choice for r in results.runs if r.seed == 0}
    assert records["selected"].diagnostics["kept_fraction"] < 1
    assert records["selected"].diagnostics["mitigation"] == "post_selection"
    assert records["readout"].diagnostics["mitigation"] == "readout"
    assert records["extrapolated"].diagnostics["mitigation"] == "zero_noise"
    assert records["pulsed"].diagnostics["mitigation"] == "decoupling:XX"
    note = analysis.tables["gains"].note
    assert "says what these cost" in note
    assert "Relaxation of idle qubits has no memory" in note
    assert "mitigation" not in records["manila"].diagnostics


def test_a_number_is_traced_to_its_calibration(results, folder):
    table = calibrations_table(results)
    choice = next(r for r in results.runs if r.method == "manila").choices()[0]
    name = choice.diagnostics["calibration"]
    record = json.loads((folder / "calibration" / f"{name}.json").read_text())
    assert record["device"] == choice.diagnostics["device"] == "fake_manila"
    assert {"t1_seconds", "t2_seconds", "readout_error", "gate_error"} <= record["qubits"][0].keys()
    assert record["pairs"][0]["error"] > 0
    row = next(row for row in table.rows if row.cells[0].sort == name)
    assert row.cells[2].text == "2024-05-27"
    assert "manila" in row.cells[-1].text
    assert choice.two_qubit_gates > 0
    ideal = next(r for r in results.runs if r.method == "ideal").choices()[0]
    assert choice.two_qubit_gates > ideal.two_qubit_gates  # routing is on the bill


def test_the_error_of_the_model_is_printed_wherever_it_was_used(results, analysis):
    assert model_caution(results).startswith("guess runs under the gate-count noise model.")
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


def test_published_results_need_the_same_instance_and_angles():
    ramp = {"delta_gamma": 0.6, "delta_beta": 0.3, "unit": "none"}
    solver = {"depth": 10, "schedule": "linear_ramp", "schedule_options": ramp}
    found = published({"problem": "chain", "nodes": 10}, solver)
    assert [(each.device, each.date, each.ratio[0]) for each in found[:2]] == [
        ("Quantinuum H2-2", "2025-12", 0.882),
        ("ibm_boston", "2025-11", 0.841),
    ]
    assert found[1].snapshot == "aer:fake_boston"
    assert "CC-BY-4.0" in source()
    assert published({"problem": "chain", "nodes": 8}, solver) == ()
    assert published({"problem": "chain", "nodes": 10}, {**solver, "depth": 4}) == ()
    assert published({"problem": "client_selection", "clients": 10}, solver) == ()


def test_published_devices_stand_beside_ours_and_apart(tmp_path):
    ramp = {"delta_gamma": 0.6, "delta_beta": 0.3, "unit": "none"}
    chain = {
        "label": "ideal",
        "solver": "qaoa",
        "mixer": "x",
        "backend": "statevector",
        "schedule": "linear_ramp",
        "schedule_options": ramp,
        "depth": 10,
        "shots": 1000,
    }
    model = {**chain, "label": "model", "backend": "noise:depolarising"}
    model["backend_options"] = {"two_qubit_error": 0.002, "backend": "statevector"}
    study = {**STUDY, "decision": {"problem": "chain"}, "methods": [chain, model], "seeds": 2}
    study["headline"] = {"metric": "sampled_ratio", "method": "model", "baseline": "ideal"}
    list(run(Study(**study), out=tmp_path / "run"))
    results = read(tmp_path / "run")
    assert results.unit == "seed"  # one instance: seeds are other shots
    analysis = analyse(results)
    rows = analysis.tables["published"].rows
    assert len(rows) == 12
    assert {row.cells[5].text for row in rows} == {"–"}  # no snapshot of these devices was run
    assert {run.method for run in results.runs} == {"ideal", "model"}
    assert "not measured here" in analysis.tables["published"].note
    assert "published" in [figure.key for figure in analysis.sections["devices"]]
