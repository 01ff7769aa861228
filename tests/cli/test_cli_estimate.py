"""What does not fit is said before anything runs, one sentence each."""

import pytest

from qfl.study.folder import toml


@pytest.fixture
def study(here):
    """A function (clients, methods) -> a study file of decisions."""

    def write(clients, *places):
        shared = {"solver": "qaoa", "mixer": "xy_parity_ring", "schedule": "transfer", "depth": 1}
        methods = [
            {"label": f"m{k}", "shots": 64, **shared, **each} for k, each in enumerate(places)
        ]
        methods.append({"label": "random", "solver": "random_best", "shots": 64})
        settings = {
            "name": "sizes",
            "title": "Sizes",
            "question": "Does it fit?",
            "hypothesis": "Not everything.",
            "seeds": 2,
            "decision": {"problem": "client_selection", "clients": clients, "choose": 3},
            "methods": methods,
            "headline": {"metric": "sampled_ratio", "method": "m0", "baseline": "random"},
        }
        path = here / "sizes.toml"
        path.write_text(toml(settings))
        return path

    return write


def test_a_study_that_fits_is_priced_with_the_date_of_the_prices(real, study):
    done = real("estimate", study(5, {"backend": "aer:fake_manila"}, {"backend": "subspace"}))
    assert done.code == 0
    assert "prices as of 2026-11-20; exact backends and snapshots are free" in done.err
    assert "simulating the snapshots takes about 0.0" in done.err
    row = done.out.splitlines()[1].split("\t")
    assert row[:6] == ["m0", "aer:fake_manila", "2", "2", "64", "5"]
    machine = real("estimate", study(5, {"backend": "ibm:ibm_boston"}))
    assert machine.code == 0
    assert "the price of ibm:ibm_boston was not verified with its vendor" in machine.err


def test_what_does_not_fit_is_said_with_what_to_do(real, study):
    places = [
        {"backend": "aer:fake_fez"},
        {"backend": "aer:fake_manila"},
        {"backend": "noise:depolarising", "backend_options": {"snapshot": "fake_manila"}},
        {"backend": "mitigation:readout", "backend_options": {"backend": "ibm:ibm_fez"}},
        {"backend": "aer", "mixer": "xy_complete"},
    ]
    done = real("estimate", study(17, *places))
    assert done.code == 4
    assert len(done.out.splitlines()) == 6  # all are listed, runnable or not
    said = done.err.splitlines()
    assert any(
        line.startswith("m0 cannot run: aer:fake_fez with method 'pauli' holds 1")
        and "try fewer variables (clients), backend 'noise:depolarising'" in line
        for line in said
    )
    assert "m1 cannot run: fake_manila has 5 qubits, the circuit needs 17" in done.err
    assert "m2 cannot run: fake_manila has 5 qubits, the circuit needs 17" in done.err
    assert "m3 cannot run: mitigation:readout has 16 qubits, the circuit needs 17" in done.err
    assert "m4 cannot run: aer does not run mixer 'xy_complete'; choose among x, xy_t" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["validate", "estimate", "run"])
def test_unknown_places_end_every_command_before_it_starts(real, study, command):
    done = real(command, study(5, {"backend": "aer:fake_nope"}, {"backend": "pennylane:lightnin"}))
    assert done.code == 2
    assert "methods.m0.backend_options: unknown snapshot 'fake_nope'" in done.err
    assert (
        "methods.m1.backend_options: unknown PennyLane device 'lightnin' (did you mean" in done.err
    )
    assert "Traceback" not in done.err
