"""The real client against a loopback cloud: nothing is patched, only its environment is set."""

import numpy as np
import pytest
from instances import k_of_n, ramp
from loopback import DEVICE
from machine_fixtures import connection
from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS

from qfl.backends import get_backend
from qfl.core.errors import (
    BackendError,
    CapacityError,
    ConfigError,
    JobDamagedError,
    JobFailedError,
    JobPendingError,
)

ANSATZ = k_of_n(4, 2, "xy_ring", 1)


def posted(cloud):
    return cloud.log.count("POST /jobs")


@pytest.mark.parametrize("primitive", ["executor", "sampler"])
def test_submit_and_collect(cloud, primitive):
    backend = get_backend(f"ibm:{DEVICE}", primitive=primitive)
    angles = np.array([ramp(1), 0 * ramp(1), 2 * ramp(1)])
    compiled = backend.compile(ANSATZ)
    before = compiled.placement()
    job = compiled.submit(angles, 2000, tag=f"qfl-{primitive}")
    assert posted(cloud) == 1
    assert cloud.jobs[job]["program_id"] == primitive
    assert backend.find(f"qfl-{primitive}") == (job,)
    assert backend.find("qfl-unheard-of") == ()
    collected = backend.collect(job, [before.calibration])
    assert [counts.total for counts in collected.counts] == [2000] * 3
    assert collected.qpu_seconds == 3.5
    assert collected.queue_seconds == 90
    assert collected.calibrations[0]["device"] == DEVICE
    assert collected.calibrations == (before.calibration,)  # nothing was calibrated in between
    exact = get_backend("subspace").compile(ANSATZ)
    for row, counts in zip(angles, collected.counts, strict=True):
        states, probabilities = exact.distribution(row)
        index = {tuple(state): k for k, state in enumerate(states.tolist())}
        observed = np.zeros(len(states))
        for state, n in zip(counts.states.tolist(), counts.shots, strict=True):
            observed[index[tuple(state)]] = n
        chi_square = ((observed - 2000 * probabilities) ** 2 / (2000 * probabilities)).sum()
        assert chi_square < 25.74  # 5 degrees of freedom: 1e-4 each


def test_sample_waits_or_says_that_it_is_pending(cloud):
    patient = get_backend(f"ibm:{DEVICE}", wait_seconds=20.0).compile(ANSATZ)
    assert patient.sample(ramp(1), 64, np.random.default_rng(0)).total == 64
    cloud.mood = "queued"
    hasty = get_backend(f"ibm:{DEVICE}").compile(ANSATZ)
    with pytest.raises(JobPendingError, match=rf"job job-\d+ waits at ibm:{DEVICE}"):
        hasty.sample(ramp(1), 64, np.random.default_rng(0))


def test_queued_failed_cancelled_truncated(cloud):
    backend = get_backend(f"ibm:{DEVICE}")
    compiled = backend.compile(ANSATZ)
    cloud.mood = "half"
    patient = get_backend(f"ibm:{DEVICE}", wait_seconds=20.0).compile(ANSATZ)
    with pytest.raises(JobDamagedError, match="holds 5 of 10 shots; fetch again"):
        patient.sample(ramp(1), 10, np.random.default_rng(0))
    jobs = {}
    for mood in ("queued", "failed", "cancelled", "truncated"):
        cloud.mood = mood
        jobs[mood] = compiled.submit(ramp(1), 10, tag=f"qfl-{mood}")
    assert backend.collect(jobs["queued"]) is None
    with pytest.raises(JobFailedError, match=r"ended as ERROR: .*the fridge is warm"):
        backend.collect(jobs["failed"])
    with pytest.raises(JobFailedError, match="ended as CANCELLED"):
        backend.collect(jobs["cancelled"])
    with pytest.raises(BackendError, match="arrived damaged; fetch again"):
        backend.collect(jobs["truncated"])
    cloud.jobs[jobs["truncated"]]["mood"] = "done"
    assert backend.collect(jobs["truncated"]).counts[0].total == 10


def test_offline_unknown_and_too_small_devices(cloud):
    with pytest.raises(BackendError, match="ibm:ibm_nowhere is not a device of this account"):
        get_backend("ibm:ibm_nowhere").compile(ANSATZ)
    with pytest.raises(CapacityError, match="has 5 qubits, the circuit needs 6"):
        get_backend(f"ibm:{DEVICE}").compile(k_of_n(6, 2, "xy_ring", 1))
    cloud.operational = False
    with pytest.raises(BackendError, match="is offline now"):
        get_backend(f"ibm:{DEVICE}").compile(ANSATZ)


@pytest.mark.parametrize(
    "options", [{"twirling": True}, {"dynamical_decoupling": "XY4"}, {"dynamical_decoupling": "XX"}]
)
def test_every_flag_reaches_the_machine(cloud, options):
    """Twirled samples must still be those of the circuit; decoupled ones have delays and pulses."""
    plain = get_backend(f"ibm:{DEVICE}").compile(ANSATZ).submit(ramp(1), 256, tag="qfl-plain")
    backend = get_backend(f"ibm:{DEVICE}", **options)
    flagged = backend.compile(ANSATZ).submit(ramp(1), 256, tag="qfl-flag")
    sent = [cloud.jobs[each]["params"]["quantum_program"] for each in (plain, flagged)]
    assert sent[0]["circuits"] != sent[1]["circuits"]
    kinds = {item["item_type"] for item in sent[1]["items"]}
    assert kinds == {"samplex" if "twirling" in options else "circuit"}
    (counts,) = backend.collect(flagged).counts
    assert counts.total == 256
    assert (counts.states.sum(1) == 2).all()


def test_flags_of_the_older_primitive_are_options_of_the_job(cloud):
    options = {"twirling": True, "dynamical_decoupling": "XpXm", "primitive": "sampler"}
    compiled = get_backend(f"ibm:{DEVICE}", **options).compile(ANSATZ)
    job = compiled.submit(ramp(1), 64, tag="qfl-older")
    sent = cloud.jobs[job]["params"]["options"]
    assert sent["dynamical_decoupling"] == {"enable": True, "sequence_type": "XpXm"}
    switches = {"enable_gates": True, "enable_measure": True}
    assert sent["twirling"] == {**switches, "num_randomizations": 32, "shots_per_randomization": 2}


@pytest.mark.parametrize("shots", [1000, 100, 10, 37])
def test_a_twirled_machine_measures_exactly_as_often_as_it_is_asked(cloud, shots):
    backend = get_backend(f"ibm:{DEVICE}", level=0, twirling=True)
    job = backend.compile(ANSATZ).submit(ramp(1), shots, tag="qfl-twirled")
    assert backend.collect(job).counts[0].total == shots
    (item,) = cloud.jobs[job]["params"]["quantum_program"]["items"]
    assert item["shape"][0] >= min(32, shots)


def test_flags_that_exclude_each_other():
    with pytest.raises(ConfigError, match="twirling does not work with fractional gates"):
        get_backend("ibm:x", twirling=True, fractional_gates=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"primitive": "foo"}, "unknown primitive 'foo' of ibm; allowed"),
        ({"dynamical_decoupling": "foo"}, "unknown dynamical_decoupling 'foo'; allowed"),
        ({"wait_seconds": -1.0}, "wait_seconds must be finite and at least 0, got -1.0"),
        ({"wait_seconds": float("inf")}, "wait_seconds must be finite"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        get_backend("ibm:x", **options)


def test_fractional_gates_save_gates_and_stay_in_the_range_that_the_machine_takes():
    """Large angles, so that folding has something to do; chi-square with 15 degrees of freedom."""
    ansatz, angles = k_of_n(4, 2, "x", 1), np.array([[9.0], [-0.7]])
    with connection(like="fake_fractional") as cloud:
        plain = get_backend(f"ibm:{DEVICE}").compile(ansatz)
        backend = get_backend(f"ibm:{DEVICE}", fractional_gates=True)
        compiled = backend.compile(ansatz)
        assert "rzz" not in plain.placed.circuit.count_ops()
        assert compiled.placed.two_qubit_gates < plain.placed.two_qubit_gates
        job = compiled.submit(angles, 4000, tag="qfl-fractional")
        (counts,) = backend.collect(job).counts
        sent = QUANTUM_PROGRAM_PARAMS_CONVERTERS["v2.0"]
        program, _ = sent.decoder(sent.model.model_validate(cloud.jobs[job]["params"]))
    (circuit,) = (item.circuit for item in program.items)
    turns = [float(step.operation.params[0]) for step in circuit.get_instructions("rzz")]
    assert len(turns) >= 4
    assert all(0 <= turn <= np.pi / 2 for turn in turns)
    read = {circuit.find_bit(step.qubits[0]).index for step in circuit.get_instructions("measure")}
    assert read == set(compiled.placement().measured)
    states, probabilities = get_backend("statevector").compile(ansatz).distribution(angles)
    seen = {tuple(state): n for state, n in zip(counts.states.tolist(), counts.shots, strict=True)}
    observed = np.array([seen.get(tuple(state), 0) for state in states.tolist()])
    expected = 4000 * probabilities
    assert ((observed - expected) ** 2 / expected).sum() < 44.3  # fails with 1e-4 if all is well
