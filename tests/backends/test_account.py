"""The account: what the real client raises against a loopback cloud, in one sentence."""

import logging
import os
import subprocess
import sys

import pytest
from instances import k_of_n, ramp
from loopback import CRN, DEVICE, TOKEN

from qfl.backends import account, get_backend
from qfl.backends.account import NotThereError, plain_words
from qfl.core.errors import BackendError, JobRefusedError

ANSATZ = k_of_n(4, 2, "xy_ring", 1)


def posted(cloud):
    return cloud.log.count("POST /jobs")


def test_rate_limit_and_expired_token_are_one_sentence(cloud):
    compiled = get_backend(f"ibm:{DEVICE}").compile(ANSATZ)
    cloud.refuse = 429
    with pytest.raises(BackendError, match="takes no more requests at the moment \\(429"):
        compiled.submit(ramp(1), 10, tag="qfl-busy")
    assert posted(cloud) == 1
    cloud.refuse, cloud.expired = 0, True
    with pytest.raises(BackendError, match="does not accept the credentials") as caught:
        compiled.submit(ramp(1), 10, tag="qfl-expired")
    assert TOKEN not in repr(caught.value)


def test_the_clients_own_log_is_quiet_unless_it_is_asked_for(cloud, caplog, monkeypatch):
    """It would print the account's number beside our sentence."""
    log = logging.getLogger("qiskit_ibm_runtime")
    level, cloud.expired = log.level, True
    monkeypatch.setattr(log, "propagate", True)
    for asked, said in ((False, False), (True, True)):
        if asked:
            monkeypatch.setenv("QISKIT_IBM_RUNTIME_LOG_LEVEL", "WARNING")
        account.service.cache_clear()
        caplog.clear()
        with pytest.raises(BackendError, match="does not accept the credentials"):
            get_backend(f"ibm:{DEVICE}").compile(ANSATZ)
        assert ("Invalid instance" in caplog.text) == said
        assert log.level == level
    cloud.expired = False
    account.service.cache_clear()


def test_without_credentials_one_sentence_says_what_to_set(tmp_path):
    script = (
        "from instances import k_of_n\nfrom qfl.backends import get_backend\n"
        "from qfl.core.errors import BackendError\n"
        "try:\n    get_backend('ibm:ibm_boston').compile(k_of_n(3, 1, 'xy_ring', 1))\n"
        "except BackendError as error:\n    print(error)\n"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("QISKIT", "IAM", "GLOBAL"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "HOME": str(tmp_path), "PYTHONPATH": os.path.dirname(__file__)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ibm:ibm_boston needs credentials: set QISKIT_IBM_TOKEN" in done.stdout
    assert done.stderr == ""


def test_what_is_refused_for_good_is_told_from_what_passes(cloud):
    """Only an answer that will stay the same ends the wait for metrics or a calibration."""
    compiled = get_backend(f"ibm:{DEVICE}").compile(ANSATZ)
    for code, kind in ((403, NotThereError), (429, JobRefusedError), (408, BackendError)):
        cloud.refuse = code
        with pytest.raises(BackendError) as caught:
            compiled.submit(ramp(1), 10, tag="qfl-no")
        assert type(caught.value) is kind
        assert CRN not in str(caught.value)
    cloud.refuse = 0
    with pytest.raises(NotThereError, match="is not a device of this account"):
        get_backend("ibm:ibm_nowhere").compile(ANSATZ)


@pytest.mark.parametrize("answer", [ValueError("<html>"), KeyError("state"), TypeError(TOKEN)])
def test_an_answer_that_makes_no_sense_is_one_sentence(answer):
    with pytest.raises(BackendError, match="ibm:x answered what its client does not") as caught:
        with plain_words("ibm:x"):
            raise answer
    assert TOKEN not in str(caught.value)
    assert caught.value.__suppress_context__
