"""Machines under mitigation, in repeated decisions, and where the ledger does not reach."""

import itertools
import json

import numpy as np
import pytest
from instances import k_of_n, ramp
from loopback import DEVICE

from qfl.backends.jobs import read
from qfl.core.errors import BackendError, ConfigError, JobPendingError
from qfl.solvers.qaoa import Qaoa
from qfl.solvers.warm_start import WarmStart
from qfl.study import Study, cells
from qfl.study.assemble import play
from qfl.study.fetching import fetch
from qfl.study.ledger import JOBS, Ledger
from qfl.study.machines import Ledgered, through_ledger

ANSATZ = k_of_n(4, 2, "xy_ring", 1)
MACHINE = {"backend": f"ibm:{DEVICE}", "backend_options": {"level": 0}}
RNG = np.random.default_rng(0)


def posted(cloud):
    return cloud.log.count("POST /jobs")


@pytest.mark.parametrize(
    "wrapping",
    [
        {"backend": "mitigation:readout", "backend_options": MACHINE},
        {"backend": "mitigation:readout", "backend_options": {**MACHINE, "method": "mthree"}},
        {
            "backend": "mitigation:post_selection",
            "backend_options": {"backend": "mitigation:readout", "backend_options": MACHINE},
        },
    ],
)
def test_mitigation_waits_for_the_job_on_the_ledger(cloud, tmp_path, wrapping):
    solver = Qaoa(shots=200, depth=1, mixer="xy_ring", training_backend="subspace", **wrapping)
    cloud.mood = "queued"

    def ask(**options):
        return through_ledger(solver, tmp_path, "cell", **options).backend.compile(ANSATZ)

    for _ in range(2):
        with pytest.raises(JobPendingError, match="job job-0000 waits"):
            ask().sample(ramp(1), 200, RNG)
    (job,) = Ledger(tmp_path).jobs().values()
    assert (job.state, job.job, posted(cloud)) == ("submitted", "job-0000", 1)
    assert len(job.asked[0].measured) == 4
    cloud.jobs["job-0000"]["mood"] = "done"
    assert [job.state for job in fetch(Ledger(tmp_path))] == ["fetched"]

    cloud.log.clear()
    offline = [ask(submits=False).sample(ramp(1), 200, RNG) for _ in range(2)]
    assert cloud.log == []  # the readout of that day is on the ledger, so no machine is asked
    np.testing.assert_array_equal(offline[0].samples(), offline[1].samples())
    (raw,) = Ledger(tmp_path).counts(job.key)
    assert raw.total == offline[0].total == 200  # the loopback machine errs nowhere
    with pytest.raises(BackendError, match="only samples"):
        ask(submits=False).expectation(ramp(1))


def decisions(machine, repeats=3):
    """One instance of four clients, decided `repeats` times on a machine."""
    return Study(
        name="machine",
        title="t",
        question="q?",
        hypothesis="h.",
        seeds=1,
        decision={"problem": "client_selection", "clients": 4, "choose": 2, "repeats": repeats},
        headline={"metric": "approximation_ratio", "method": "qaoa", "baseline": "greedy"},
        methods=[
            {"solver": "greedy"},
            {
                "solver": "qaoa",
                "depth": 1,
                "shots": 50,
                "mixer": "xy_ring",
                "schedule": "transfer",
                "training_backend": "subspace",
                **machine,
            },
        ],
    )


def test_repetitions_travel_in_one_job(cloud, tmp_path):
    _, cell = cells(decisions(MACHINE))
    cloud.mood = "queued"
    for _ in range(2):
        with pytest.raises(JobPendingError, match="job job-0000 waits"):
            list(play(cell, folder=tmp_path))
    assert posted(cloud) == 1
    (job,) = Ledger(tmp_path).jobs().values()
    assert job.circuits == 3
    cloud.jobs["job-0000"]["mood"] = "done"
    assert [job.state for job in fetch(Ledger(tmp_path))] == ["fetched"]
    records = list(play(cell, folder=tmp_path))
    cloud.log.clear()
    replayed = list(play(cell, folder=tmp_path, submits=False))
    assert cloud.log == []
    assert [record.round for record in records] == [1, 2, 3]
    assert [each.choice for each in replayed] == [each.choice for each in records]
    file = json.loads((tmp_path / "counts" / f"{job.key}.json").read_text())
    counts = [read(each["counts"]) for each in file["circuits"]]
    assert [each.total for each in counts] == [50] * 3
    assert any(not np.array_equal(a.samples(), b.samples()) for a, b in itertools.pairwise(counts))


def test_a_machine_that_answers_at_once_ends_the_cell_at_once(cloud, tmp_path):
    _, cell = cells(decisions(MACHINE, repeats=2))
    assert [record.round for record in play(cell, folder=tmp_path)] == [1, 2]
    assert posted(cloud) == 1


def test_many_angle_sets_are_one_job(cloud, tmp_path):
    compiled = Ledgered(f"ibm:{DEVICE}", {"level": 0}, Ledger(tmp_path), "cell").compile(ANSATZ)
    batch = np.array([ramp(1), 0 * ramp(1), ramp(1)])
    found = compiled.samples(batch, 40, RNG)
    assert [counts.total for counts in found] == [40] * 3
    assert posted(cloud) == 1
    lines = (tmp_path / JOBS).read_text().splitlines()
    assert len(lines) == 3


def test_a_machine_where_no_ledger_reaches_is_refused(cloud, tmp_path):
    lost = [
        Qaoa(shots=10, training_backend=f"ibm:{DEVICE}"),
        WarmStart(shots=10, qaoa={**MACHINE, "mixer": "x"}),
        WarmStart(shots=10, qaoa={"backend": "mitigation:readout", "backend_options": MACHINE}),
    ]
    for solver, key in zip(lost, ("training_backend", "qaoa.backend", "qaoa.backend"), strict=True):
        with pytest.raises(ConfigError, match=f"{key} names a machine with a queue"):
            through_ledger(solver, tmp_path, "cell")
    assert cloud.log == []
