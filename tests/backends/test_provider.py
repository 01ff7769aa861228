import keeper
import numpy as np
import pytest
from instances import k_of_n, ramp
from loopback import DEVICE
from machine_fixtures import cloud, connected
from qiskit_aer import AerSimulator

from qfl.backends import circuits_per_job, get_backend, has_queue, may_charge, provider
from qfl.backends.account import service
from qfl.backends.jobs import check_whole
from qfl.core.errors import BackendError, ConfigError, JobDamagedError, JobFailedError

__all__ = ["cloud", "connected"]

KEEPING = "qiskit:keeper:Keeping"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUD", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("target", "options", "queued"),
    [
        ("qiskit_aer:AerSimulator", {}, False),
        ("qiskit_ibm_runtime.fake_provider:FakeFez", {}, False),
        ("keeper:simulator", {}, False),
        ("keeper:Keeping", {}, True),
        ("keeper:Forgetful", {}, True),
        ("keeper:Forgetful", {"untracked": True}, False),
        ("no_such_module:machine", {}, True),
    ],
)
def test_what_is_not_known_to_run_here_has_a_queue(target, options, queued):
    assert has_queue(f"qiskit:{target}", options) is queued
    assert has_queue("qiskit", {"device": target, **options}) is queued
    assert may_charge(f"qiskit:{target}", options) is (queued or bool(options))


def test_a_job_holds_as_many_circuits_as_the_device_says(folder):
    assert circuits_per_job(KEEPING, {}, 100) == keeper.MOST
    assert circuits_per_job("qiskit", {"device": "keeper:Keeping"}, 100) == keeper.MOST
    assert circuits_per_job("qiskit:qiskit_aer:AerSimulator", {}, 100) > 1000


@pytest.mark.parametrize("device", ["Keeping", "Provided"])
def test_submit_collect_and_cancel(folder, device):
    """Counts come in the order of the circuits, column k for variable k."""
    backend = get_backend(f"qiskit:keeper:{device}", level=0)
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    compiled = backend.compile(ansatz)
    batch = np.array([ramp(1), 0.5 * ramp(1)])
    job = backend.submit([(compiled, batch)], 4000, tag="qfl-tag")
    assert keeper.jobs() == [job]
    assert backend.find("qfl-tag") is None
    assert backend.collect(job) is None
    (folder / "open").touch()
    placement = compiled.placement()
    collected = backend.collect(job, [placement.calibration])
    assert (collected.qpu_seconds, collected.queue_seconds) == (None, None)
    assert [each["device"] for each in collected.calibrations] == ["folder"]
    exact = get_backend("subspace").compile(ansatz)
    for counts, angles in zip(collected.counts, batch, strict=True):
        states, probabilities = exact.distribution(angles)
        seen = dict(zip(map(tuple, counts.states), counts.shots, strict=True))
        found = np.array([seen.get(tuple(state), 0) for state in states]) / 4000
        assert counts.total == 4000
        np.testing.assert_allclose(found, probabilities, atol=6 * 0.5 / np.sqrt(4000))
    backend.cancel(job)
    with pytest.raises(JobFailedError, match=f"job {job} on qiskit:keeper:{device} ended as CANC"):
        backend.collect(job)


def test_a_result_that_is_cut_off_is_noticed(folder):
    backend = get_backend(KEEPING, level=0)
    compiled = backend.compile(k_of_n(3, 1, "xy_ring", 1))
    job = backend.submit([(compiled, ramp(1))], 50, tag="qfl-tag")
    for name in ("open", "cut"):
        (folder / name).touch()
    with pytest.raises(JobDamagedError, match="holds 1 of 50 shots"):
        check_whole(backend.collect(job).counts, job, circuits=1, shots=50)


class Empty:
    """A finished job without counts."""

    def status(self):
        return "Done"

    def result(self):
        return None


class Bare(AerSimulator):
    """Hands out one broken job."""

    def retrieve_job(self, job):
        if job == "stranger":
            raise RuntimeError("who is it?")
        return Empty()


def test_what_a_provider_says_wrongly_is_one_sentence():
    with pytest.raises(JobDamagedError, match="the result of job 7 arrived damaged"):
        provider.counts_of("qiskit:bare", Bare(), "7")
    with pytest.raises(BackendError, match="qiskit:bare: RuntimeError: who is it"):
        provider.counts_of("qiskit:bare", Bare(), "stranger")


def unreachable():
    raise ConnectionError("no route to host")


def test_a_provider_out_of_reach_is_no_traceback():
    with pytest.raises(BackendError, match="ConnectionError: no route to host"):
        provider.opened(unreachable)


def test_machines_of_ibm_have_their_own_adapter(cloud):
    with pytest.raises(ConfigError, match=f"is a machine of IBM's: name it ibm:{DEVICE}"):
        provider.opened(service().backend(DEVICE))
