"""What a study will ask of machines, before it asks: as many jobs, as large, for as much."""

from dataclasses import replace
from pathlib import Path

from test_machines import decisions

from qfl.backends.estimate import Limit, PriceList
from qfl.backends.sizing import resources
from qfl.study import Study
from qfl.study.forecast import forecast, misfits, representative
from qfl.study.grid import cells

ROOT = Path(__file__).parents[2]


def test_mitigated_circuits_are_priced_like_plain_ones():
    machine = {"backend": "ibm:ibm_torino"}
    wrapped = {"backend": "mitigation:readout", "backend_options": machine}
    plain, found = (
        next(forecast(cells(decisions(each)), PriceList.load()))[1] for each in (machine, wrapped)
    )
    assert found == plain
    assert (found.machine, found.jobs, found.circuits) == ("ibm:ibm_torino", 1, 3)
    assert found.price > 0


def test_a_machine_that_schedules_uploads_has_no_known_price():
    *_, cell = cells(decisions({"backend": "subspace"}))
    slots = {"solver": "qaoa", "backend": "ibm:ibm_torino", "backend_options": {}}
    found = list(
        forecast([replace(cell, solver={**cell.solver, "slots": slots})], PriceList.load())
    )
    assert [(each.machine, each.price) for _, each in found] == [
        ("subspace", 0.0),
        ("ibm:ibm_torino", None),
    ]
    assert Limit.parse("1000USD").exceeded([each for _, each in found])


def test_the_forecast_of_the_chain_knows_its_couplings():
    study = Study.load(ROOT / "studies/backend_gap_chain.toml")
    boston = next(cell for cell in cells(study) if cell.labels["method"] == "boston")
    assert resources(representative(boston)).two_qubit_gates == 180  # as published, and no more


def test_circuits_that_have_their_counts_are_not_asked_for_again():
    asked = cells(decisions({"backend": "ibm:ibm_torino"}))
    answered = {asked[-1].id: 2}
    before, after = (
        next(forecast(asked, PriceList.load(), answered=done))[1] for done in ({}, answered)
    )
    assert after.circuits == before.circuits - 2
    assert after.shots == before.shots


def test_a_circuit_that_does_not_fit_the_memory_is_named_with_what_to_lower():
    file = ROOT / "studies/tap_selection.toml"
    chosen = {"federation.clients_per_round": 7}
    few, many = (
        cells(Study.load(file, overrides={"scenario.clients": n, **chosen})) for n in (30, 300)
    )
    assert misfits(few) == []
    notes = misfits(many)
    assert "note: qaoa would be skipped on this machine: C(200, 7) = 2283896" in notes[0]
    assert all(note.endswith("lower selection.candidates") for note in notes)
    qaoa = next(cell for cell in many if cell.labels["method"] == "qaoa")
    assert representative(qaoa).n == 200
