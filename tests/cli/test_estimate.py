"""What does not fit is said before anything runs, one sentence each."""

import subprocess
import sys

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
    ]
    done = real("estimate", study(17, *places))
    assert done.code == 4
    assert len(done.out.splitlines()) == 5  # all are listed, runnable or not
    said = done.err.splitlines()
    assert any(
        line.startswith("m0 cannot run: aer:fake_fez with method 'pauli' holds 1")
        and "try fewer variables (clients), backend 'noise:depolarising'" in line
        for line in said
    )
    assert "m1 cannot run: fake_manila has 5 qubits, the circuit needs 17" in done.err
    assert "m2 cannot run: fake_manila has 5 qubits, the circuit needs 17" in done.err
    assert "m3 cannot run: mitigation:readout has 16 qubits, the circuit needs 17" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["validate", "estimate", "run"])
def test_unknown_and_unfit_places_end_every_command_before_it_starts(real, study, command):
    unfit = {"backend": "aer", "mixer": "xy_complete"}
    places = [{"backend": "aer:fake_nope"}, {"backend": "pennylane:lightnin"}, unfit]
    done = real(command, study(5, *places))
    assert done.code == 2
    assert "methods.m0.backend_options: unknown snapshot 'fake_nope'" in done.err
    assert (
        "methods.m1.backend_options: unknown PennyLane device 'lightnin' (did you mean" in done.err
    )
    assert "methods.m2.mixer: backend 'aer' does not run mixer 'xy_complete'; allowed" in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def strangers(here, monkeypatch):
    """A module `strangers` with a device that might be a provider's, for all that is known."""
    (here / "strangers.py").write_text(
        "from qiskit_ibm_runtime.fake_provider import FakeManilaV2\n"
        "class machine(FakeManilaV2):\n    pass\n"
    )
    monkeypatch.syspath_prepend(here)
    yield "qiskit:strangers:machine"
    sys.modules.pop("strangers", None)


@pytest.mark.parametrize("limit", ["0USD", "1000000USD", "1000000s-qpu"])
def test_a_device_that_may_be_a_providers_has_no_known_price(real, study, strangers, limit):
    own = {"backend": strangers, "backend_options": {"untracked": True}}
    wrapped = {"backend": "mitigation:post_selection", "backend_options": own}
    path = study(5, own, wrapped)
    done = real("estimate", path)
    assert done.code == 0
    rows = [line.split("\t") for line in done.out.splitlines()[1:3]]
    assert [row[1] for row in rows] == [strangers, strangers]
    assert [row[-2:] for row in rows] == [["unknown", "unknown"]] * 2
    assert f"no price of {strangers} is known" in done.err
    assert f"{strangers} may be a provider's machine, and is not on the ledger" in done.err
    for command in ("estimate", "run"):
        done = real(command, path, "--max-cost", limit)
        assert done.code == 4
        assert f"above --max-cost {limit}: nothing was sent" in done.err
        assert "0.00 USD" not in done.err or "and what is not known" in done.err


def test_a_price_file_may_say_that_a_device_is_free(real, here, study, strangers):
    row = "per_qpu_second=0\nper_task=0\nper_shot=0\noverhead_seconds=0\nrepetition_seconds=0\n"
    prices = here / "prices.toml"
    prices.write_text(
        f"date='2026-11-30'\ncurrency='USD'\n[[machine]]\nprefix='{strangers}'\nplan='mine'\n{row}"
    )
    own = {"backend": strangers, "backend_options": {"untracked": True}}
    done = real("estimate", study(5, own), "--prices", prices, "--max-cost", "0USD")
    assert done.code == 0
    assert "not on the ledger" not in done.err


def test_a_machine_named_beside_the_backend_is_not_overlooked(real, study, strangers):
    place = {"backend": "subspace", "training_backend": strangers}
    done = real("estimate", study(5, place), "--max-cost", "5USD")
    assert done.code == 4
    assert f"no price of {strangers} is known" in done.err


HIDDEN = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] in ("qiskit", "qiskit_aer", "qiskit_ibm_runtime")
        return None if hidden else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from qfl.cli import main
main()
"""


def test_a_snapshot_without_its_extra_is_one_sentence(here, study):
    """In a process that cannot import Qiskit."""
    place = {"backend": "noise:depolarising", "backend_options": {"snapshot": "fake_fez"}}

    def without(*arguments):
        command = [sys.executable, "-c", HIDDEN, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = without("estimate", study(5, place))
    assert done.returncode == 4
    assert "m0 cannot run: a snapshot needs the extra 'ibm': pip install 'qfl[ibm]'" in done.stderr
    assert "Traceback" not in done.stderr
    listed = [line.split("\t") for line in without("list", "backends").stdout.splitlines()]
    installed = {row[0]: row[1] for row in listed}
    assert installed["noise:depolarising"] == "yes"
    key = "noise:depolarising, snapshot = fake_NAME"
    assert installed[key] == "no: pip install 'qfl[ibm]'"
