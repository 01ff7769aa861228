"""Backends that a study names, found wrong when it is loaded and not when a cell runs."""

import subprocess
import sys

import pytest

from qfl.study.options import Issues, resolve
from qfl.study.override import apply

SNAPSHOT = r"unknown snapshot 'fake_bostn' \(did you mean 'fake_boston'\?\)"
DEVICE = r"unknown PennyLane device 'lightning.qubits' \(did you mean 'lightning.qubit'\?\)"


def method(**settings):
    return {"solver": "qaoa", "shots": 8, **settings}


@pytest.mark.parametrize(
    ("settings", "issue"),
    [
        (method(backend="aer:fake_bostn"), rf"^backend_options: {SNAPSHOT}"),
        (method(backend="pennylane:lightning.qubits"), rf"^backend_options: {DEVICE}"),
        (
            method(backend="mitigation:readout", backend_options={"backend": "aer:fake_bostn"}),
            rf"^backend_options.backend_options: {SNAPSHOT}",
        ),
        (
            method(
                backend="mitigation:readout",
                backend_options={
                    "backend": "mitigation:post_selection",
                    "backend_options": {"backend": "aerr:fake_boston"},
                },
            ),
            r"^backend_options.backend_options.backend: unknown backend 'aerr:fake_boston'",
        ),
        (
            method(backend="noise:depolarising", backend_options={"snapshot": "fake_bostn"}),
            rf"^backend_options: {SNAPSHOT}",
        ),
        (
            method(mixer="x", backend="subspace"),
            r"^mixer: backend 'subspace' does not run mixer 'x'; allowed: xy_complete",
        ),
        (
            method(
                mixer="x",
                backend="noise:depolarising",
                backend_options={"two_qubit_error": 0.01},
            ),
            r"^mixer: backend 'subspace' does not run mixer 'x'",
        ),
        (
            method(mixer="x", backend="statevector", training_backend="subspace"),
            r"^mixer: training_backend 'subspace' does not run mixer 'x'",
        ),
        (
            {"solver": "rqaoa", "shots": 8, "qaoa": {"mixer": "xy_complete", "backend": "aer"}},
            r"^qaoa.mixer: backend 'aer' does not run mixer 'xy_complete'; allowed: x, xy_trotter",
        ),
        (method(penalty=-2.0), r"^: penalty must be a positive number or one of largest_flip"),
        (method(penalty="nonsense"), r"^: unknown penalty rule 'nonsense'"),
        (method(training_backend="subspcae"), r"^training_backend: unknown backend 'subspcae'"),
        (
            {"solver": "rqaoa", "shots": 8, "qaoa": {"backend": "aer:fake_bostn"}},
            rf"^qaoa.backend_options: {SNAPSHOT}",
        ),
        (
            {
                "solver": "qaoa_mean",
                "shots": 8,
                "backend_options": {"backend": "aer", "backend_options": {"methd": "statevector"}},
            },
            r"^backend_options.backend_options.methd: unknown key \(did you mean 'method'\?\)",
        ),
    ],
)
def test_a_wrong_place_is_found_wherever_it_is_named(settings, issue):
    with pytest.raises(Issues, match=issue) as found:
        resolve("methods", settings)
    assert len(found.value.issues) == 1


def test_what_a_wrapper_holds_stays_as_it_was_given():
    """Cell ids hold it, and those of finished runs must not move."""
    inner = {"backend": "aer:fake_boston", "backend_options": {"level": 1}}
    given = method(mixer="xy_ring", backend="mitigation:readout", backend_options=inner)
    found = resolve("methods", given)
    assert found["backend_options"] == {**inner, "method": "tensored"}


def test_no_framework_is_loaded_for_a_study_that_names_none():
    script = (
        "import sys; from qfl.study.options import resolve;"
        "resolve('methods', {'solver': 'qaoa', 'shots': 8, 'backend': 'noise:depolarising',"
        "'backend_options': {'snapshot': 'fake_boston'}});"
        "print(sorted({'qiskit', 'qiskit_ibm_runtime', 'pennylane', 'braket'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_row_that_nobody_knows_takes_its_options_along_and_not_what_is_the_methods_own():
    own = {"label": "a", "slots": {"solver": "greedy"}, "channel": {"name": "masked"}}
    study = {"methods": [{**own, "solver": "qoaa", "shots": 8}]}
    assert apply(study, {"methods.a.solver": "random"}) == []
    assert study["methods"] == [{**own, "solver": "random"}]
