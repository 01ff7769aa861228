import re

import numpy as np
import pytest
import sender
from instances import k_of_n, ramp
from loopback import DEVICE, TOKEN
from processes import called

from qfl.backends import get_backend
from qfl.backends.estimate import PriceList
from qfl.core.errors import (
    BackendError,
    JobFailedError,
    JobPendingError,
    JobRefusedError,
    StoreError,
)
from qfl.study.fetching import fetch, settle
from qfl.study.forecast import used
from qfl.study.ledger import JOBS, Ledger, Used
from qfl.study.machines import Ledgered

ANSATZ = k_of_n(4, 2, "xy_ring", 1)
RNG = np.random.default_rng(0)


def machine(ledger, cell="cell-1", **options):
    return Ledgered(f"ibm:{DEVICE}", {"level": 0}, ledger, cell, **options).compile(ANSATZ)


def ask(ledger, **options):
    return machine(ledger, **options).sample(ramp(1), 100, RNG)


def events(ledger):
    lines = (ledger.folder / JOBS).read_text().splitlines()
    return [line.partition('"event":"')[2].partition('"')[0] for line in lines]


def posted(cloud):
    return cloud.log.count("POST /jobs")


def test_one_question_is_one_job_however_often_it_is_asked(cloud, tmp_path):
    ledger = Ledger(tmp_path / "run")
    first, again = ask(ledger), ask(ledger)
    assert posted(cloud) == 1
    assert events(ledger) == ["intent", "submitted", "fetched"]
    np.testing.assert_array_equal(first.samples(), again.samples())
    compiled = machine(ledger)
    both = [compiled.sample(ramp(1), 100, RNG) for _ in range(2)]
    assert posted(cloud) == 2  # the second time within one play is another question
    np.testing.assert_array_equal(both[0].samples(), first.samples())
    ask(ledger, cell="cell-2")
    assert posted(cloud) == 3


def test_a_queued_job_is_collected_later_and_once(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.mood = "queued"
    with pytest.raises(JobPendingError, match=r"job job-0000 waits at ibm:.*qfl fetch"):
        ask(ledger)
    assert [job.state for job in fetch(ledger)] == ["submitted"]
    cloud.jobs["job-0000"]["mood"] = "done"
    assert [job.state for job in fetch(ledger)] == ["fetched"]
    assert list(fetch(ledger)) == []
    assert ask(ledger, submits=False).total == 100
    assert posted(cloud) == 1
    (job,) = ledger.jobs().values()
    assert (job.qpu_seconds, job.queue_seconds) == (3.5, 90.0)
    assert job.asked[0].two_qubit_gates > 0
    (then,) = job.records
    assert [ledger.calibration(name)["device"] for name in (then, job.calibrated[then])] == [
        DEVICE,
        DEVICE,
    ]


def test_a_machine_that_cannot_be_asked_keeps_its_jobs_open(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.mood = "queued"
    with pytest.raises(JobPendingError):
        ask(ledger)
    cloud.jobs["job-0000"]["mood"] = "truncated"
    cloud.mood = "done"
    with pytest.raises(JobPendingError, match=r"cannot be collected now: .* arrived damaged"):
        ask(ledger)
    (job,) = fetch(ledger)
    assert (job.state, job.is_open) == ("submitted", True)
    assert "arrived damaged; fetch again" in job.reason
    cloud.jobs["job-0000"]["mood"] = "done"
    assert [job.state for job in fetch(ledger)] == ["fetched"]
    assert posted(cloud) == 1


def test_a_result_with_half_of_its_shots_is_not_taken(cloud, tmp_path):
    """Valid JSON, but cut off: fetched again, or given up, never recorded."""
    ledger = Ledger(tmp_path)
    cloud.mood = "half"
    with pytest.raises(JobPendingError, match=r"cannot be collected now: .* 50 of 100 shots"):
        ask(ledger)
    (job,) = fetch(ledger)
    assert job.is_open
    assert "holds 50 of 100 shots; fetch again" in job.reason
    assert not (tmp_path / "counts").exists()
    (job,) = fetch(ledger, forget=["all"])
    assert (job.state, ledger.jobs()) == ("forgotten", {})
    cloud.mood = "done"
    assert ask(ledger).total == 100
    assert posted(cloud) == 2


def test_what_is_done_about_errors_is_in_the_record(cloud, tmp_path):
    options = {"level": 0, "dynamical_decoupling": "XY4", "twirling": True}
    ledger = Ledger(tmp_path)
    compiled = Ledgered(f"ibm:{DEVICE}", options, ledger, "cell-1").compile(ANSATZ)
    assert compiled.sample(ramp(1), 128, RNG).total == 128
    ran = compiled.execution()
    assert ran.diagnostics()["mitigation"] == "decoupling:XY4 twirling"
    (job,) = ledger.jobs().values()
    assert job.options == options
    assert ask(ledger, cell="cell-2").total == 100
    assert machine(ledger, cell="cell-2").execution() is None


@pytest.mark.parametrize("lost", ["drop", "garbage"])
def test_an_answer_that_is_lost_leaves_the_job_pending(cloud, tmp_path, lost):
    """The cloud took it and nobody knows: looked up by its tag, never sent again."""
    ledger = Ledger(tmp_path)
    cloud.lost = [lost]
    with pytest.raises(JobPendingError, match=r"it is not known whether ibm:.* look for it with"):
        ask(ledger)
    assert events(ledger) == ["intent"]
    assert [job.state for job in fetch(ledger)] == ["fetched"]
    assert ask(ledger).total == 100
    assert posted(cloud) == 1


def test_a_job_that_the_client_sent_twice_is_cancelled_once(cloud, tmp_path):
    """The gateway times out after the cloud took the job, so the vendor's client sends it again."""
    ledger = Ledger(tmp_path)
    cloud.mood, cloud.lost = "queued", ["524"]
    for _ in range(2):
        with pytest.raises(JobPendingError, match="waits at"):
            ask(ledger)
    assert [job["mood"] for job in cloud.jobs.values()] == ["cancelled", "queued"]
    (job,) = ledger.jobs().values()
    assert (job.job, job.duplicates) == ("job-0001", ("job-0000",))
    assert events(ledger) == ["intent", "submitted", "duplicate"]


@pytest.mark.parametrize(
    ("path", "answer", "left", "reason"),
    [
        ("properties", 429, "submitted", "takes no more requests at the moment"),
        ("properties", 404, "fetched", "no calibration: .* refuses \\(404\\): no"),
        ("metrics", 404, "fetched", "no metrics: .* refuses \\(404\\): no"),
        ("metrics", 500, "submitted", "ibm:"),
        ("metrics", "html", "submitted", "answered what its client does not understand"),
        ("job-0000", "html", "submitted", "answered what its client does not understand"),
    ],
)
def test_one_job_that_cannot_be_read_hides_no_other(cloud, tmp_path, path, answer, left, reason):
    ledger = Ledger(tmp_path)
    cloud.mood = "queued"
    for cell in ("cell-1", "cell-2"):
        with pytest.raises(JobPendingError):
            ask(ledger, cell=cell)
    for job in cloud.jobs.values():
        job["mood"] = "done"
    cloud.broken = {path: answer}
    found = list(fetch(ledger))
    assert found[0].state == left
    assert re.search(reason, found[0].reason), found[0].reason
    assert len(found) == 2
    cloud.broken = {}
    assert [job.state for job in fetch(ledger)] == ["fetched"] * len(
        [job for job in found if job.is_open]
    )
    assert [job.qpu_seconds for job in ledger.jobs().values()] == (
        [None, None] if (path, left) == ("metrics", "fetched") else [3.5, 3.5]
    )


def test_a_refusal_names_no_account(cloud, tmp_path):
    cloud.refuse = 403
    with pytest.raises(JobRefusedError, match=r"refuses \(403\): too many for crn:\*\*\*$"):
        ask(Ledger(tmp_path))
    assert Ledger(tmp_path).jobs() == {}


def test_counts_of_a_run_are_recordings(cloud, tmp_path):
    counts = ask(Ledger(tmp_path))
    replayed = get_backend(f"recorded:{tmp_path / 'counts'}").compile(ANSATZ)
    np.testing.assert_array_equal(replayed.sample(ramp(1), 100, RNG).samples(), counts.samples())


def test_failures_are_kept_until_they_are_forgotten(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.mood = "failed"
    for _ in range(2):
        with pytest.raises(
            JobFailedError, match=r"fridge is warm.*; the next.*: qfl fetch --forget job-0000$"
        ):
            ask(ledger)
    assert posted(cloud) == 1
    cloud.mood = "done"
    assert [job.state for job in fetch(ledger, forget=["all"])] == ["forgotten"]
    assert ask(ledger).total == 100
    assert posted(cloud) == 2
    first, second = (job["tags"] for job in cloud.jobs.values())
    assert first != second  # nobody takes the job that failed for the new one


def test_a_refused_job_may_be_sent_again(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.refuse = 429
    with pytest.raises(JobRefusedError, match="429"):
        ask(ledger)
    assert ledger.jobs() == {}
    cloud.refuse = 0
    assert ask(ledger).total == 100
    assert events(ledger) == ["intent", "refused", "intent", "submitted", "fetched"]


@pytest.mark.parametrize("answers", ["524 then 429", "503 then 403"])
def test_a_job_that_was_taken_before_it_was_refused_is_not_sent_again(cloud, tmp_path, answers):
    """The vendor's client sends again after a server error; the refusal is of its second try."""
    ledger = Ledger(tmp_path)
    cloud.lost = [answers]
    ask(ledger)
    cloud.refuse = 0
    assert ask(ledger).total == 100
    assert len(cloud.jobs) == 1
    assert events(ledger) == ["intent", "submitted", "fetched"]


def test_a_refusal_in_doubt_is_one_when_the_machine_answers(cloud, tmp_path):
    """Refused, and the look-up too: sent again only when the machine knows no such job."""
    ledger = Ledger(tmp_path)
    cloud.refuse, cloud.broken = 429, {"jobs": 429}
    with pytest.raises(JobPendingError, match="it is not known whether"):
        ask(ledger)
    settle(ledger)
    assert [job.state for job in fetch(ledger)] == ["intent"]
    cloud.broken, cloud.refuse = {}, 0
    settle(ledger)
    assert ledger.jobs() == {}
    assert ask(ledger).total == 100
    kinds = ["intent", "doubted", "refused", "intent", "submitted", "fetched"]
    assert events(ledger) == kinds


def test_a_refusal_in_doubt_yields_to_a_job_that_arrived(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.lost, cloud.broken = ["524 then 429"], {"jobs": 429}
    with pytest.raises(JobPendingError):
        ask(ledger)
    cloud.broken, cloud.refuse = {}, 0
    assert [job.state for job in fetch(ledger)] == ["fetched"]
    assert len(cloud.jobs) == 1


def test_a_second_job_that_cannot_be_cancelled_holds_nothing_back(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.lost, cloud.broken = ["524"], {"cancel": 500}
    assert ask(ledger).total == 100
    (job,) = ledger.jobs().values()
    assert (job.state, len(job.duplicates)) == ("fetched", 1)


def test_seconds_of_a_second_job_and_of_one_given_up_are_counted(cloud, tmp_path):
    """Each job of the loopback machine takes 3.5 s, whatever becomes of it."""
    ledger = Ledger(tmp_path)
    cloud.mood, cloud.lost = "queued", ["524"]
    with pytest.raises(JobPendingError):
        ask(ledger)
    assert ledger.used() == Used(0.0, 0.0, 1)  # the first of both was cancelled
    cloud.broken = {"metrics": 500}
    list(fetch(ledger))
    assert ledger.used() == Used(0.0, 0.0, 1)  # not known yet, and asked again
    cloud.broken = {}
    list(fetch(ledger))
    assert ledger.used() == Used(3.5, 3.5, 0)
    cloud.jobs["job-0001"]["mood"] = cloud.mood = "failed"
    list(fetch(ledger))
    assert ledger.used() == Used(7.0, 7.0, 0)
    list(fetch(ledger, forget=["all"]))
    assert ledger.jobs() == {}
    cloud.mood = "done"
    ask(ledger)
    assert ledger.used() == Used(10.5, 7.0, 0)
    lines = len(events(ledger))
    list(fetch(ledger))
    assert len(events(ledger)) == lines  # nobody is asked twice
    useful, lost = used(ledger, PriceList.load())
    assert [each.qpu_seconds for each in (*useful, *lost)] == [3.5] * 3
    assert all(each.price == pytest.approx(3.5 * 1.6) for each in (*useful, *lost))
    assert ledger.answered() == {"cell-1": 1}


def test_without_the_run_folder_nothing_is_taken_over_or_undone(cloud, tmp_path):
    """The client of a run may be waiting to send again, and the id that it hears is the run's."""
    ledger = Ledger(tmp_path)
    cloud.mood, cloud.lost = "queued", ["524"]
    with pytest.raises(JobPendingError):
        ask(ledger)
    cloud.jobs["job-0000"]["mood"] = "queued"  # as if the run had not looked yet
    path = tmp_path / JOBS
    lines = path.read_text().splitlines(keepends=True)
    for known, said in ((1, "it may still be being sent"), (2, "made it twice: job-0000; the run")):
        path.write_text("".join(lines[:known]))
        for mood in ("queued", "done"):
            cloud.jobs["job-0001"]["mood"] = mood
            (job,) = fetch(ledger, held=False)
            assert job.is_open
            assert said in job.reason
    assert events(ledger) == ["intent", "submitted"]
    assert cloud.jobs["job-0000"]["mood"] == "queued"
    (job,) = fetch(ledger)
    assert (job.state, job.job, job.duplicates) == ("fetched", "job-0001", ("job-0000",))
    assert ledger.used() == Used(7.0, 3.5, 0)


def test_an_id_that_is_noted_late_does_not_vanish_and_counts_once(cloud, tmp_path):
    """As ledgers have it from before fetching kept out of the way of a run."""
    ledger = Ledger(tmp_path)
    cloud.lost = ["524"]
    ask(ledger)
    path = tmp_path / JOBS
    intent, submitted, duplicate, fetched = path.read_text().splitlines(keepends=True)
    path.write_text(intent + submitted + fetched + submitted.replace("job-0001", "job-0000"))
    (job,) = ledger.jobs().values()
    assert (job.state, job.job, job.duplicates) == ("fetched", "job-0001", ("job-0000",))
    list(fetch(ledger))
    assert ledger.used() == Used(7.0, 3.5, 0)
    late = duplicate + submitted.replace("job-0001", "job-0000")
    path.write_text(intent + submitted + late)
    (job,) = ledger.jobs().values()
    assert (job.state, job.job, job.duplicates) == ("submitted", "job-0001", ("job-0000",))
    ledger.note("duplicate", job.key, job="job-0001", reason="cancelled")
    ledger.note("failed", job.key, reason="cancelled")
    assert sorted(ledger.jobs()[job.key].fruitless) == ["job-0000", "job-0001"]


def test_a_machine_that_does_not_say_its_seconds_leaves_them_unknown(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    cloud.mood, cloud.broken = "failed", {"metrics": 404}
    with pytest.raises(JobFailedError):
        ask(ledger)
    for _ in range(2):
        list(fetch(ledger, forget=["all"]))
    assert events(ledger) == ["intent", "submitted", "failed", "forgotten", "spent"]
    assert ledger.used() == Used(0.0, 0.0, 1)
    (lost,) = used(ledger, PriceList.load())[1]
    assert lost.qpu_seconds > 3.3  # as if it had run


def test_an_intent_that_never_arrived_is_not_sent_again_by_itself(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    ask(ledger)
    lines = (tmp_path / JOBS).read_text().splitlines(keepends=True)
    (tmp_path / JOBS).write_text(lines[0])
    cloud.jobs.clear()
    with pytest.raises(JobPendingError, match="knows no job qfl-"):
        ask(ledger)
    assert [job.state for job in fetch(ledger)] == ["intent"]
    assert [job.state for job in fetch(ledger, forget=["all"])] == ["forgotten"]
    assert ask(ledger).total == 100
    assert posted(cloud) == 2


def test_without_submitting_only_the_ledger_answers(cloud, tmp_path):
    with pytest.raises(BackendError, match="does not answer"):
        ask(Ledger(tmp_path), submits=False)
    assert cloud.log == []


def test_torn_and_damaged_lines(cloud, tmp_path):
    ledger = Ledger(tmp_path)
    ask(ledger)
    path = tmp_path / JOBS
    whole = path.read_text()
    path.write_text(whole + '{"event":"inte')
    assert len(ledger.jobs()) == 1
    ask(ledger, cell="cell-2")
    assert len(ledger.jobs()) == 2
    path.write_text("nonsense\n" + whole)
    with pytest.raises(StoreError, match=r"jobs\.jsonl:1: this line is damaged"):
        ledger.jobs()


def send(cloud, folder, moment):
    """Call sender.ask; if the moment is "accepted" the cloud kills it as soon as it has its job."""

    def started(pid):
        cloud.victim = pid if moment == "accepted" else None

    return called(folder.parent, sender.ask, folder, moment, started=started)


def test_two_kills_lose_no_job_and_send_none_twice(cloud, tmp_path):
    """kill -9 after the cloud accepted, before the id is on disk; then while the job waits."""
    folder = tmp_path / "run"
    cloud.mood = "queued"
    killed = [send(cloud, folder, moment) for moment in ("accepted", "waiting")]
    assert [code for code, *_ in killed] == [-9, -9], killed
    assert events(Ledger(folder)) == ["intent", "submitted"]
    cloud.jobs["job-0000"]["mood"] = "done"
    code, *said = send(cloud, folder, "never")
    assert code == 0, said
    assert posted(cloud) == 1
    (job,) = Ledger(folder).jobs().values()
    assert job.state == "fetched"
    assert sum(counts.total for counts in Ledger(folder).counts(job.key)) == 300
    written = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    said += [text for _, *texts in killed for text in texts]
    assert len(written) >= 3
    assert not [text for text in written + said if TOKEN in text]
