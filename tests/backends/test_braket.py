"""Braket's local simulator; the real client of its cloud against a loopback server: nothing is
patched, only the environment is set."""

import numpy as np
import pytest
from instances import k_of_n, ramp
from loopback_aws import ARN, SECRET

from qfl.backends import get_backend
from qfl.backends.gates import costs
from qfl.core.errors import (
    BackendError,
    CapacityError,
    JobFailedError,
    JobPendingError,
)
from qfl.study.fetching import fetch
from qfl.study.ledger import Ledger
from qfl.study.machines import Ledgered

ANSATZ = k_of_n(4, 2, "xy_ring", 1)
RNG = np.random.default_rng(0)


def sent(cloud):
    return cloud.log.count("POST /quantum-task")


def test_the_local_simulator_knows_its_distribution_and_follows_the_seed():
    compiled = get_backend("braket:local").compile(ANSATZ)
    exact = get_backend("subspace").compile(ANSATZ)
    assert compiled.expectation(ramp(1)) == pytest.approx(exact.expectation(ramp(1)), abs=1e-10)
    assert compiled.expectation(np.array([ramp(1)] * 2)).shape == (2,)
    states, probabilities = compiled.distribution(ramp(1))
    assert probabilities.sum() == pytest.approx(1)
    assert (states.sum(1) == 2).all()
    drawn = [compiled.sample(ramp(1), 50, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0].samples(), drawn[1].samples())
    with pytest.raises(CapacityError, match="has 26 qubits, the circuit needs 27"):
        get_backend("braket:local").compile(k_of_n(27, 1, "grover", 1))


def test_submit_and_collect(amazon):
    backend = get_backend(f"braket:{ARN}")
    compiled = backend.compile(ANSATZ)
    before = compiled.placement()
    assert before.two_qubit_gates > 0
    assert len(before.calibration["qubits"]) == 5
    assert before.calibration["qubits"][0]["t1_seconds"] == pytest.approx(40e-6)
    assert before.calibration["pairs"][0]["error"] == pytest.approx(0.01)
    job = compiled.submit(ramp(1), 2000, tag="qfl-one")
    assert sent(amazon) == 1
    assert backend.find("qfl-one") == (job,)
    assert backend.find("qfl-unheard-of") == ()
    collected = backend.collect(job, [before.calibration])
    (counts,) = collected.counts
    assert counts.total == 2000
    assert (counts.states.sum(1) == 2).all()
    assert (collected.qpu_seconds, collected.queue_seconds) == (None, None)
    assert collected.remark == "90 s from creation to end, queue and run together"
    assert collected.calibrations == (before.calibration,)
    exact = get_backend("subspace").compile(ANSATZ)
    states, probabilities = exact.distribution(ramp(1))
    energies = costs(ANSATZ)[states @ (1 << np.arange(4))]
    mean = energies @ probabilities
    error = np.sqrt(probabilities @ (energies - mean) ** 2 / 2000)
    found = costs(ANSATZ)[counts.states @ (1 << np.arange(4))] @ counts.shots / 2000
    assert abs(found - mean) < 4 * error  # fails with 6e-5 if all is well


def test_queued_failed_cancelled_truncated(amazon):
    backend = get_backend(f"braket:{ARN}")
    compiled = backend.compile(ANSATZ)
    jobs = {}
    for mood in ("QUEUED", "FAILED", "CANCELLED", "truncated"):
        amazon.mood = mood
        jobs[mood] = compiled.submit(ramp(1), 10, tag=f"qfl-{mood}")
    assert backend.collect(jobs["QUEUED"]) is None
    with pytest.raises(JobFailedError, match="ended as FAILED: the fridge is warm"):
        backend.collect(jobs["FAILED"])
    with pytest.raises(JobFailedError, match="ended as CANCELLED"):
        backend.collect(jobs["CANCELLED"])
    with pytest.raises(BackendError, match="arrived damaged; fetch again"):
        backend.collect(jobs["truncated"])
    amazon.tasks[jobs["truncated"]]["mood"] = "COMPLETED"
    assert backend.collect(jobs["truncated"]).counts[0].total == 10
    amazon.mood = "QUEUED"
    with pytest.raises(JobPendingError, match=r"quantum-task/0004 waits at braket:arn"):
        compiled.sample(ramp(1), 10, RNG)


def test_the_ledger_keeps_a_queued_task_and_finds_one_whose_arn_was_lost(amazon, tmp_path):
    """A crash after the cloud accepted is a ledger that ends with the intent."""

    def ask(**options):
        machine = Ledgered(f"braket:{ARN}", {}, Ledger(tmp_path), "cell", **options)
        return machine.compile(ANSATZ).samples(np.array([ramp(1), 2 * ramp(1)]), 30, RNG)

    amazon.mood = "QUEUED"
    with pytest.raises(JobPendingError, match="waits at braket"):
        ask()
    assert sent(amazon) == 2  # a task holds one circuit
    path = tmp_path / "jobs.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))  # intent, submitted, intent
    for task in amazon.tasks.values():
        task["mood"] = "COMPLETED"
    assert [job.state for job in fetch(Ledger(tmp_path))] == ["fetched", "fetched"]
    assert sent(amazon) == 2
    machine = Ledgered(f"braket:{ARN}", {}, Ledger(tmp_path), "cell", submits=False)
    compiled = machine.compile(ANSATZ)
    found = compiled.samples(np.array([ramp(1), 2 * ramp(1)]), 30, RNG)
    assert [counts.total for counts in found] == [30, 30]
    ran = compiled.execution()
    assert (ran.qubits, ran.queue_seconds) == (4, 0)  # the calibration is of all five qubits
    written = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 3
    assert not [text for text in written if SECRET in text]
