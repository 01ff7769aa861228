"""Cells of a study share jobs, whatever happens on the way; against a loopback cloud."""

import json
import signal

import numpy as np
import pytest
from instances import k_of_n, ramp
from loopback import DEVICE, TOKEN
from processes import called, command

from qfl.backends.estimate import PriceList
from qfl.core.errors import BackendError, CapacityError, JobPendingError, JobRefusedError
from qfl.study import Study, cells, run, store
from qfl.study.assemble import play
from qfl.study.fetching import fetch
from qfl.study.folder import toml
from qfl.study.forecast import forecast
from qfl.study.ledger import JOBS, Ledger
from qfl.study.outbox import Question, send

PLACE = {"backend": f"ibm:{DEVICE}", "backend_options": {"level": 0}}
CIRCUIT = {"solver": "qaoa", "depth": 1, "mixer": "xy_ring", "schedule": "transfer"}


def settings(**changes):
    """Instances of three and of four clients, decided raw and with wrong readings undone."""
    raw = {**CIRCUIT, **PLACE, "label": "raw", "shots": 40}
    mitigated = {**raw, "label": "mitigated", "backend": "mitigation:readout"}
    return {
        "name": "shared",
        "title": "t",
        "question": "q?",
        "hypothesis": "h.",
        "seeds": "0:2",
        "decision": {"problem": "client_selection", "clients": 4, "choose": 2, "repeats": 2},
        "sweep": {"decision.clients": [3, 4]},
        "headline": {"metric": "sampled_ratio", "method": "mitigated", "baseline": "raw"},
        "methods": [raw, {**mitigated, "backend_options": PLACE}],
        **changes,
    }


def study(**changes):
    return Study.model_validate(settings(**changes))


def posted(cloud):
    return cloud.log.count("POST /jobs")


def statuses(folder):
    return {row.cell.id: row for row in store.load(folder / "cells.jsonl")}


def played(asked, folder, **options):
    list(run(asked, out=folder, **options))
    return statuses(folder).values()


def question(ansatz, *, cell="cell", shots=10, turn=1.0, **options):
    return Question(cell, f"ibm:{DEVICE}", {"level": 0, **options}, ansatz, turn * ramp(1), shots)


def test_all_cells_of_a_study_travel_in_one_job(cloud, tmp_path):
    """Two methods, sizes, seeds and repetitions: sixteen circuits, each with its answer."""
    asked = study()
    cloud.mood = "queued"
    assert {row.status for row in played(asked, tmp_path)} == {"pending"}
    assert posted(cloud) == 1
    (job,) = Ledger(tmp_path).jobs().values()
    assert (job.circuits, len(job.cells)) == (16, 8)
    assert len({each.calibration for each in job.asked}) > 1  # each circuit has its own place
    cloud.jobs["job-0000"]["mood"] = cloud.mood = "done"
    assert [each.state for each in fetch(Ledger(tmp_path))] == ["fetched"]
    rows = played(asked, tmp_path)
    assert {row.status for row in rows} == {"done"}
    assert posted(cloud) == 1
    cloud.log.clear()
    for row in rows:
        again = tuple(play(row.cell, folder=tmp_path, submits=False))
        assert [each.choice for each in again] == [each.choice for each in row.rounds]
        assert [each.choice.shots for each in again] == [40, 40]
    assert cloud.log == []
    seconds = sum(each.timings.quantum_seconds for row in rows for each in row.rounds)
    queued = 16 * 90  # every decision waited for the whole job, and has a share of its run
    assert seconds == pytest.approx(queued + 3.5)


def test_the_estimate_counts_the_jobs_that_are_sent(cloud, tmp_path):
    found = [each for _, each in forecast(cells(study()), PriceList.load())]
    assert [(each.jobs, each.circuits) for each in found] == [(1, 4), (0, 4), (0, 4), (0, 4)]
    seconds = sum(each.qpu_seconds for each in found)
    assert 3.3 < seconds < 3.3 + 16 * 40 * 0.001
    played(study(), tmp_path)
    assert posted(cloud) == sum(each.jobs for each in found)


def test_two_folders_of_one_study_have_each_its_job(cloud, tmp_path):
    """Alike in every circuit, told apart by their tags: neither takes or cancels the other's."""
    cloud.mood = "queued"
    folders = [tmp_path / name for name in ("monday", "tuesday")]
    for folder in folders:
        played(study(), folder)
    assert [job["mood"] for job in cloud.jobs.values()] == ["queued", "queued"]
    cloud.refuse = 429
    third = tmp_path / "wednesday"
    assert {row.status for row in played(study(), third)} == {"failed"}
    for job in cloud.jobs.values():
        job["mood"] = "done"
    for folder, number in zip(folders, cloud.jobs, strict=True):
        (job,) = fetch(Ledger(folder))
        assert (job.state, job.job, job.duplicates) == ("fetched", number, ())
        intent = json.loads((folder / JOBS).read_text().splitlines()[0])
        assert job.nonce == intent["nonce"] != ""
    assert Ledger(third).jobs() == {}


def test_workers_share_the_job_too(cloud, tmp_path):
    """Two processes collect it at the same time; both go by what the first wrote down."""
    rows = played(study(), tmp_path, jobs=2)
    assert {row.status for row in rows} == {"done"}, [row.reason for row in rows]
    assert posted(cloud) == 1
    for row in rows:
        again = tuple(play(row.cell, folder=tmp_path, submits=False))
        assert [each.choice for each in again] == [each.choice for each in row.rounds]


def test_a_refusal_ends_all_cells_of_the_job_and_is_not_asked_again(cloud, tmp_path):
    cloud.refuse = 429
    rows = played(study(), tmp_path)
    assert {row.status for row in rows} == {"failed"}
    assert all("takes no more requests at the moment" in row.reason for row in rows)
    assert posted(cloud) == 1
    cloud.refuse = 0
    assert {row.status for row in played(study(), tmp_path)} == {"done"}
    assert posted(cloud) == 2


def test_cells_refused_in_doubt_travel_together_again(cloud, tmp_path):
    cloud.refuse, cloud.broken = 429, {"jobs": 429}
    assert {row.status for row in played(study(), tmp_path)} == {"pending"}
    cloud.refuse, cloud.broken = 0, {}
    assert {row.status for row in played(study(), tmp_path)} == {"done"}
    assert (posted(cloud), len(cloud.jobs)) == (2, 1)


def test_a_circuit_without_a_place_stops_no_other(cloud, tmp_path):
    rows = played(study(sweep={"decision.clients": [4, 6]}), tmp_path)
    found = {(row.cell.decision["clients"], row.status) for row in rows}
    assert found == {(4, "done"), (6, "skipped")}
    assert posted(cloud) == 1


def test_jobs_stay_below_the_limits_of_their_machine(cloud, tmp_path):
    cloud.mood, shots = "queued", 2_000_000  # the vendor takes 5 million executions in a job
    small, large = k_of_n(3, 1, "xy_ring", 1), k_of_n(4, 2, "xy_ring", 1)
    asked = [
        question(ansatz, cell=f"cell-{k}", shots=shots, turn=1.0 + k)
        for k, ansatz in enumerate((small, large, small, large, large))
    ]
    assert send(Ledger(tmp_path), asked) == {}
    jobs = list(Ledger(tmp_path).jobs().values())
    assert [job.circuits for job in jobs] == [2, 2, 1]
    assert jobs[0].cells == ("cell-0", "cell-2")  # alike circuits side by side
    for each in asked:
        job, place = Ledger(tmp_path).find(each.cell, each.backend, each.request, 0)
        assert job.asked[place].cell == each.cell


def test_what_differs_in_options_or_shots_does_not_share(cloud, tmp_path):
    ansatz = k_of_n(3, 1, "xy_ring", 1)
    asked = [
        question(ansatz),
        question(ansatz, shots=20),
        question(ansatz, twirling=True),
        question(k_of_n(6, 2, "xy_ring", 1), cell="large"),
    ]
    unsent = send(Ledger(tmp_path), asked)
    assert posted(cloud) == 3
    assert list(unsent) == ["large"]
    assert isinstance(unsent["large"], CapacityError)


def test_send_says_what_was_not_sent(cloud, tmp_path):
    ledger, ansatz = Ledger(tmp_path), k_of_n(3, 1, "xy_ring", 1)
    for how, kind in ((429, JobRefusedError), (0, JobPendingError)):
        cloud.refuse, cloud.lost = how, ["drop"]
        (error,) = send(ledger, [question(ansatz, cell=str(how))]).values()
        assert isinstance(error, BackendError)
        assert isinstance(error, kind)
    (job,) = ledger.jobs().values()
    assert (job.state, job.cells) == ("intent", ("0",))


def qfl(cloud, folder, *words, dies=False):
    def started(pid):
        cloud.victim = pid if dies else None

    code, out, err = called(folder, command, *words, started=started)
    assert TOKEN not in out + err
    return code, err


def test_two_kills_lose_no_cell_and_send_none_twice(cloud, tmp_path):
    """kill -9 when the cloud has the job of eight cells; again when the next run asks for it."""
    (tmp_path / "shared.toml").write_text(toml(settings()))
    words = ("run", "shared.toml", "--jobs", "1")
    cloud.mood = "queued"
    assert qfl(cloud, tmp_path, *words, dies=True)[0] == -signal.SIGKILL
    cloud.broken = {"job-0000": "kill"}
    assert qfl(cloud, tmp_path, *words, dies=True)[0] == -signal.SIGKILL
    cloud.broken, folder = {}, tmp_path / "runs/shared"
    lines = (folder / JOBS).read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["intent", "submitted"]
    code, err = qfl(cloud, tmp_path, *words)
    assert code == 3, err
    cloud.jobs["job-0000"]["mood"] = cloud.mood = "done"
    code, err = qfl(cloud, tmp_path, *words)
    assert code == 0, err
    assert posted(cloud) == 1
    rows = statuses(folder).values()
    assert [row.status for row in rows] == ["done"] * 8
    (job,) = Ledger(folder).jobs().values()
    assert [counts.total for counts in Ledger(folder).counts(job.key)] == [40] * 16
    states = np.array([len(counts.states[0]) for counts in Ledger(folder).counts(job.key)])
    assert sorted(states) == [3] * 8 + [4] * 8
