"""Amazon's cloud: what it refuses, in one sentence, with what to set."""

import numpy as np
import pytest
from instances import k_of_n, ramp
from loopback_aws import ARN, SECRET

from qfl.backends import get_backend
from qfl.core.errors import (
    BackendError,
    CapacityError,
    ConfigError,
    JobRefusedError,
)
from qfl.study.ledger import Ledger
from qfl.study.machines import Ledgered

ANSATZ = k_of_n(4, 2, "xy_ring", 1)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("refuse", "message"),
    [
        ((429, "ThrottlingException"), "takes no more requests at the moment"),
        ((403, "ExpiredTokenException"), "the token has expired"),
        ((403, "UnrecognizedClientException"), "the credentials: they are wrong"),
        ((403, "AccessDeniedException"), r"refuses \(AccessDeniedException\): no"),
    ],
)
def test_a_refusal_is_one_sentence_and_nothing_stays_on_the_ledger(
    amazon, tmp_path, refuse, message
):
    compiled = get_backend(f"braket:{ARN}").compile(ANSATZ)
    amazon.refuse = refuse
    for ask in (
        lambda: get_backend(f"braket:{ARN}").compile(ANSATZ),
        lambda: compiled.submit(ramp(1), 10, tag="qfl-no"),
        lambda: (
            Ledgered(f"braket:{ARN}", {}, Ledger(tmp_path), "cell")
            .compile(ANSATZ)
            .sample(ramp(1), 10, RNG)
        ),
    ):
        with pytest.raises(JobRefusedError, match=message) as error:
            ask()
        assert "\n" not in str(error.value)
        assert SECRET not in str(error.value)
    assert amazon.tasks == {}
    assert Ledger(tmp_path).jobs() == {}


def test_a_server_error_leaves_the_question_open(amazon, tmp_path):
    """Nobody knows whether the cloud took it: the intent stays, and the tag is looked up."""
    compiled = get_backend(f"braket:{ARN}").compile(ANSATZ)
    amazon.refuse = (500, "InternalServiceException")
    with pytest.raises(BackendError, match="had an error") as error:
        compiled.submit(ramp(1), 10, tag="qfl-no")
    assert not isinstance(error.value, JobRefusedError)


def test_offline_unknown_and_wrong_devices(amazon):
    amazon.status = "OFFLINE"
    with pytest.raises(BackendError, match="is offline now; submit later"):
        get_backend(f"braket:{ARN}").compile(ANSATZ)
    amazon.status = "ONLINE"
    with pytest.raises(CapacityError, match="has 5 qubits, the circuit needs 6"):
        get_backend(f"braket:{ARN}").compile(k_of_n(6, 2, "xy_ring", 1))
    with pytest.raises(BackendError, match="is not a device of this account"):
        get_backend(f"braket:{ARN}2").compile(ANSATZ)
    with pytest.raises(ConfigError, match="takes 'local' or the ARN of a device"):
        get_backend("braket:sv1")
    with pytest.raises(ConfigError, match="results must be s3://bucket/folder"):
        get_backend(f"braket:{ARN}", results="here")


def test_without_credentials_one_sentence_says_what_to_set(amazon, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(BackendError, match="needs credentials: set AWS_ACCESS_KEY_ID"):
        get_backend(f"braket:{ARN}").compile(ANSATZ)
