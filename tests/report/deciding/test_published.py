"""What others measured: only beside the same instance at the same angles, and named as theirs."""

from device_run import measured

from qfl.report.deciding.published import published, source
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse


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
    headline = {"metric": "sampled_ratio", "method": "model", "baseline": "ideal"}
    changes = {"decision": {"problem": "chain"}, "methods": [chain, model], "seeds": 2}
    folder = measured(tmp_path / "run", **changes, headline=headline)
    results = read(folder)
    assert results.unit == "seed"  # one instance: seeds are other shots
    analysis = analyse(results)
    rows = analysis.tables["published"].rows
    assert len(rows) == 12
    assert {row.cells[5].text for row in rows} == {"–"}  # no snapshot of these devices was run
    assert {run.method for run in results.runs} == {"ideal", "model"}
    assert "not measured here" in analysis.tables["published"].note
    assert "published" in [figure.key for figure in analysis.sections["devices"]]
