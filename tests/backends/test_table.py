import pytest

from qfl.backends import BACKENDS, TARGETS, get_backend, may_charge
from qfl.backends.traits import TRAITS
from qfl.core.errors import BackendError, ConfigError, UnknownNameError
from qfl.testing import check_backend
from qfl.testing.backends import sample_ansatz


def test_every_row_names_a_class_that_can_be_configured():
    for name, row in BACKENDS.rows.items():
        assert row.summary
        assert callable(BACKENDS.resolve(name))


def test_a_target_after_a_colon_is_an_option():
    assert set(TARGETS) <= set(BACKENDS.rows)
    assert get_backend("pennylane:default.qubit") == get_backend(
        "pennylane", device="default.qubit"
    )


def test_the_list_of_backends_says_what_they_say_themselves():
    """Every row is listed, and mixers are those of the backend itself."""
    assert {each.row for each in TRAITS} == set(BACKENDS.rows)
    known = {"pennylane:DEVICE": "pennylane:lightning.qubit", "aer:fake_NAME": "aer:fake_manila"}
    known |= {"ibm:NAME": "ibm:ibm_boston", "braket:ARN": "braket:arn:aws:braket:::device/x"}
    known["qiskit:MODULE:OBJECT"] = "qiskit:qiskit.providers.basic_provider:BasicSimulator"
    for each in TRAITS:
        if each.mixers and BACKENDS.row(each.row).installed:
            mixers = get_backend(known.get(each.name, each.name)).capabilities.mixers
            assert set(each.mixers) == set(mixers), each.name


def test_unknown_names_and_options_are_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown backend 'subspcae'.*'subspace'"):
        get_backend("subspcae")
    with pytest.raises(UnknownNameError, match="unknown backend 'noise:dephasing'"):
        get_backend("noise:dephasing")
    with pytest.raises(ConfigError, match=r"no option 'precison'.*'precision'"):
        get_backend("subspace", precison="single")


def test_a_mixer_that_a_backend_does_not_run_is_refused():
    with pytest.raises(BackendError, match=r"mixer that keeps them .*got mixer 'x'"):
        get_backend("subspace").compile(sample_ansatz("x"))


@pytest.mark.parametrize("name", ["subspace", "statevector"])
def test_exact_backends_keep_the_promises_of_the_port(name):
    check_backend(get_backend(name))


def test_what_is_no_backend_and_options_that_would_be_lost_are_refused():
    with pytest.raises(ConfigError, match=r"a backend is a name such as 'subspace', .*, got None"):
        get_backend(None)
    ready = get_backend("subspace")
    assert get_backend(ready) is ready
    with pytest.raises(ConfigError, match="is configured already, got options precision"):
        get_backend(ready, precision="single")


@pytest.mark.parametrize(
    ("name", "options", "charges"),
    [
        ("subspace", {}, False),
        ("noise:depolarising", {}, False),
        ("aer:fake_fez", {}, False),
        ("braket:local", {}, False),
        ("ibm:ibm_fez", {}, True),
        ("qiskit:qiskit.providers.basic_provider:BasicSimulator", {}, False),
        ("qiskit:qiskit_ibm_runtime.fake_provider:FakeFez", {}, False),
        ("qiskit:qiskit_ionq:forte", {}, True),
        ("qiskit", {"device": "mine:machine"}, True),
        ("qiskit", {"device": object()}, True),
        ("pennylane", {}, False),
        ("pennylane:lightning.qubit", {}, False),
        ("pennylane:ionq.qpu", {}, True),
        ("somebody_elses", {}, True),
        ("", {}, False),
    ],
)
def test_free_is_only_what_is_known_to_be(name, options, charges):
    assert may_charge(name, options) is charges
