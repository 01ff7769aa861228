"""A provider's own device is on the ledger: killed processes lose no job and send none twice."""

import json
import signal

import keeper
import numpy as np
import pytest
from instances import k_of_n, ramp
from processes import called, command

from qfl.backends import get_backend
from qfl.core.errors import ConfigError, JobPendingError
from qfl.study import store
from qfl.study.fetching import EVERY, adopt, fetch
from qfl.study.folder import toml
from qfl.study.ledger import JOBS, Ledger, Used
from qfl.study.machines import Ledgered

CIRCUIT = {"solver": "qaoa", "depth": 1, "mixer": "xy_ring", "schedule": "transfer", "shots": 40}


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """The folder that is the provider's cloud; nothing has run there yet."""
    folder = tmp_path / "cloud"
    folder.mkdir()
    monkeypatch.setenv("CLOUD", str(folder))
    return folder


def write(folder, device, **options):
    """Two instances of four clients, each decided twice on the device: four circuits."""
    place = {"backend": f"qiskit:keeper:{device}", "backend_options": {"level": 0, **options}}
    settings = {
        "name": "kept",
        "title": "t",
        "question": "q?",
        "hypothesis": "h.",
        "seeds": 2,
        "decision": {"problem": "client_selection", "clients": 4, "choose": 2, "repeats": 2},
        "headline": {"metric": "sampled_ratio", "method": "kept", "baseline": "greedy"},
        "methods": [
            {**CIRCUIT, **place, "label": "kept", "training_backend": "subspace"},
            {"solver": "greedy", "label": "greedy"},
        ],
    }
    (folder / "kept.toml").write_text(toml(settings))


def qfl(folder, *words):
    code, _, err = called(folder, command, *words)
    assert "Traceback" not in err, err
    return code, err


RUN = ("run", "kept.toml", "--jobs", "1")


def ledger(folder):
    return Ledger(folder / "runs/kept")


def events(folder):
    lines = (folder / "runs/kept" / JOBS).read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def statuses(folder):
    rows = {row.cell.id: row for row in store.load(folder / "runs/kept/cells.jsonl")}
    return sorted(row.status for row in rows.values())


def test_jobs_of_a_provider_are_collected_by_another_process(cloud, tmp_path):
    """Four circuits, three a job at most: two jobs, whose ids are on disk before anybody waits.

    Two processes that ask for them get a kill -9.
    """
    write(tmp_path, "Keeping")
    code, err = qfl(tmp_path, *RUN)
    assert code == 3, err
    assert events(tmp_path) == ["intent", "submitted"] * 2
    assert {job.job for job in ledger(tmp_path).jobs().values()} == set(keeper.jobs())
    assert [job.circuits for job in ledger(tmp_path).jobs().values()] == [3, 1]
    code, err = qfl(tmp_path, "fetch")
    assert code == 3
    assert "0 jobs fetched, 2 still waiting" in err
    (cloud / "deadly").write_text("asked")
    for words in (("fetch",), RUN):
        assert qfl(tmp_path, *words)[0] == -signal.SIGKILL
    (cloud / "deadly").unlink()
    (cloud / "open").touch()
    code, err = qfl(tmp_path, "fetch")
    assert code == 0, err
    code, err = qfl(tmp_path, *RUN)
    assert code == 0, err
    assert statuses(tmp_path) == ["done"] * 4
    assert len(keeper.jobs()) == 2
    (cloud / "open").unlink()
    (row, *_) = [
        row
        for row in store.load(tmp_path / "runs/kept/cells.jsonl")
        if row.status == "done" and row.cell.labels["method"] == "kept"
    ]
    code, err = qfl(tmp_path, "replay", "kept", row.cell.id[:12])
    assert code == 0, err
    assert "the same bit for bit" in err


def test_a_kill_after_sending_is_a_doubt_that_nobody_resolves_silently(cloud, tmp_path):
    """kill -9 inside `run`, when the cloud has the job and the ledger does not know its id."""
    write(tmp_path, "Keeping")
    (cloud / "deadly").write_text("taken")
    assert qfl(tmp_path, *RUN)[0] == -signal.SIGKILL
    (cloud / "deadly").unlink()
    (cloud / "open").touch()
    assert events(tmp_path) == ["intent"]
    (taken,) = keeper.jobs()
    (job,) = ledger(tmp_path).jobs().values()
    assert json.loads((cloud / f"{taken}.json").read_text())["name"] == f"{job.tag}-0"
    for words in (RUN, ("fetch",)):
        code, err = qfl(tmp_path, *words)
        assert code == 3, err
        assert [each for each in ledger(tmp_path).jobs().values() if each.key == job.key] == [job]
    (asked,) = fetch(ledger(tmp_path))
    assert "in doubt whether qiskit:keeper:Keeping took the 3 circuits of" in asked.reason
    assert all(cell[:12] in asked.reason for cell in job.cells)
    assert f"--found {job.tag}=ID" in asked.reason
    sent = keeper.jobs()
    assert len(sent) == 2  # the fourth circuit, which was in nobody's doubt

    for wrong, why in (
        (f"{job.tag}=nowhere", "LookupError: no job nowhere"),
        (f"qfl-other={taken}", "no job 'qfl-other' is in doubt"),
        (f"{job.tag}={sent[1]}", "is on the ledger already"),
        (job.tag, "--found takes TAG=ID"),
    ):
        code, err = qfl(tmp_path, "fetch", "--found", wrong)
        assert code == 2
        assert why in err
    code, err = qfl(tmp_path, "fetch", "--found", f"{job.tag}={taken}")
    assert code == 0, err
    code, err = qfl(tmp_path, *RUN)
    assert code == 0, err
    assert keeper.jobs() == sent
    assert statuses(tmp_path) == ["done"] * 4


def test_a_job_that_never_reached_its_provider_is_sent_again_when_it_is_given_up(cloud, tmp_path):
    write(tmp_path, "Keeping")
    (cloud / "deadly").write_text("before")
    assert qfl(tmp_path, *RUN)[0] == -signal.SIGKILL
    (cloud / "deadly").unlink()
    (cloud / "open").touch()
    assert keeper.jobs() == []
    assert qfl(tmp_path, "fetch")[0] == 3
    (job,) = ledger(tmp_path).jobs().values()
    code, err = qfl(tmp_path, "fetch", "--forget", job.tag)
    assert code == 0, err
    code, err = qfl(tmp_path, *RUN)
    assert code == 0, err
    assert len(keeper.jobs()) == 2
    assert statuses(tmp_path) == ["done"] * 4


def test_a_doubt_is_given_up_by_its_own_tag_alone(cloud, tmp_path):
    """The provider has the job and cannot be asked by tag: not asked is not unknown."""
    write(tmp_path, "Keeping")
    (cloud / "deadly").write_text("taken")
    assert qfl(tmp_path, *RUN)[0] == -signal.SIGKILL
    (cloud / "deadly").unlink()
    kept = ledger(tmp_path)
    (job,) = fetch(kept, forget=[EVERY])
    assert (job.state, events(tmp_path)) == ("intent", ["intent"])
    assert "in doubt whether qiskit:keeper:Keeping took" in job.reason
    assert qfl(tmp_path, *RUN)[0] == 3
    assert len(keeper.jobs()) == 2  # the fourth circuit, and the three in doubt no second time
    assert [each.state for each in fetch(kept, forget=[job.tag])] == ["forgotten", "submitted"]


@pytest.fixture
def doubted(cloud, tmp_path, request):
    """A job in doubt on a device, the provider's id of it, and of another study's with four bits.

    The other is alike in shots, circuits and variables.
    """
    ids = []
    for name in ("ours", "theirs"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, request.param)
        (cloud / "deadly").write_text("taken")
        assert qfl(folder, *RUN)[0] == -signal.SIGKILL
        ids += [job for job in keeper.jobs() if job not in ids]
    (cloud / "deadly").unlink()
    kept = ledger(tmp_path / "ours")
    (job,) = kept.jobs().values()
    return kept, job, *ids


@pytest.mark.parametrize("doubted", ["Keeping"], indirect=True)
def test_a_job_of_another_study_is_not_taken_over(cloud, doubted):
    """Refused by its names; while it waits nobody can see them, so it is refused when it ends."""
    kept, job, right, wrong = doubted
    adopt(kept, {job.tag: wrong})
    (cloud / "open").touch()
    (found,) = fetch(kept)
    assert found.is_open
    assert "holds a circuit 'qfl-" in found.reason
    assert f"by mistake: qfl fetch --forget {wrong}" in found.reason
    (found,) = fetch(kept, forget=[wrong])
    assert (found.state, found.job) == ("intent", "")
    assert f"{wrong} is not taken for it; it is in doubt whether" in found.reason
    with pytest.raises(ConfigError, match=f"'{wrong}' is not job {job.tag}: job {wrong} holds a c"):
        adopt(kept, {job.tag: wrong})
    adopt(kept, {job.tag: right})
    assert [(each.state, each.job) for each in fetch(kept)] == [("fetched", right)]


@pytest.mark.parametrize("doubted", ["Nameless"], indirect=True)
def test_a_mistake_that_nobody_could_see_is_undone_with_its_counts(cloud, doubted):
    kept, job, right, wrong = doubted
    (cloud / "open").touch()
    adopt(kept, {job.tag: wrong})
    assert [each.state for each in fetch(kept)] == ["fetched"]
    (found,) = fetch(kept, forget=[wrong])
    assert found.state == "intent"
    assert "play again with: qfl run --rerun all" in found.reason
    assert not list((kept.folder / "counts").iterdir())
    assert kept.used() == Used(0.0, 0.0, 0)
    adopt(kept, {job.tag: right})
    assert [(each.state, each.job) for each in fetch(kept)] == [("fetched", right)]
    with pytest.raises(ConfigError, match="can be given up"):
        list(fetch(kept, forget=[job.tag]))


@pytest.mark.parametrize("doubted", ["Nameless"], indirect=True)
def test_counts_of_another_width_are_not_taken_over(cloud, doubted):
    kept, job, *_ = doubted
    machine, ansatz = get_backend(job.backend, level=0), k_of_n(3, 1, "xy_ring", 1)
    three = np.array([ramp(1)] * job.circuits)
    narrow = machine.submit([(machine.compile(ansatz), three)], job.shots, tag="other")
    (cloud / "open").touch()
    with pytest.raises(ConfigError, match=f"job {narrow} holds 3 variables instead of 4"):
        adopt(kept, {job.tag: narrow})


def test_a_provider_that_does_not_answer_is_a_doubt_without_its_secrets(
    cloud, tmp_path, monkeypatch
):
    monkeypatch.setenv("FOLDER_TOKEN", "planted-4711")
    write(tmp_path, "Keeping")
    (cloud / "deadly").write_text("silent")
    code, err = qfl(tmp_path, *RUN)
    assert code == 3
    assert events(tmp_path) == ["intent"]
    text = (tmp_path / "runs/kept/cells.jsonl").read_text()
    assert "ConnectionError: no answer for ***" in text
    assert "planted-4711" not in text + err


def test_what_does_not_keep_jobs_is_refused_unless_the_study_says_so(cloud, tmp_path):
    (cloud / "open").touch()
    write(tmp_path, "Forgetful")
    for words, expected in ((RUN, 1), (("estimate", "kept.toml"), 4)):
        code, err = qfl(tmp_path, *words)
        assert code == expected
        assert "set backend_options = { untracked = true }" in err
    assert keeper.jobs() == []
    write(tmp_path, "Forgetful", untracked=True)
    code, err = qfl(tmp_path, *RUN)
    assert code == 0, err
    assert len(keeper.jobs()) == 4
    assert not (tmp_path / "runs/kept" / JOBS).exists()


def test_a_simulator_of_this_process_needs_no_ledger(cloud, tmp_path):
    write(tmp_path, "simulator")
    code, err = qfl(tmp_path, *RUN)
    assert code == 0, err
    assert not (tmp_path / "runs/kept" / JOBS).exists()
    assert statuses(tmp_path) == ["done"] * 4


@pytest.fixture
def waiting(cloud, tmp_path, request):
    """A ledger with three jobs in the queue, and their ids."""
    kept, numbers = Ledger(tmp_path / "run"), []
    for cell in ("one", "two", "three"):
        device = getattr(request, "param", "Keeping")
        machine = Ledgered(f"qiskit:keeper:{device}", {"level": 0}, kept, cell)
        with pytest.raises(JobPendingError):
            machine.compile(k_of_n(3, 1, "xy_ring", 1)).sample(
                ramp(1), 20, np.random.default_rng(0)
            )
        numbers += [job for job in keeper.jobs() if job not in numbers]
    return kept, numbers


def states(kept):
    return [job.state for job in kept.jobs().values()]


@pytest.mark.parametrize("waiting", ["Renaming"], indirect=True)
def test_a_provider_may_call_its_circuits_as_it_likes(cloud, waiting):
    (cloud / "open").touch()
    assert [job.state for job in fetch(waiting[0])] == ["fetched"] * 3


def test_one_failed_job_is_given_up_and_the_others_are_kept(cloud, waiting):
    kept, (one, two, three) = waiting
    for number in (one, two):
        (cloud / f"{number}.cancelled").touch()
    assert [job.state for job in fetch(kept)] == ["failed", "failed", "submitted"]
    found = {job.job: job for job in fetch(kept, forget=[two, three])}
    assert found[two].state == "forgotten"
    assert found[three].state == "submitted"
    assert "it waits, and is kept" in found[three].reason
    assert states(kept) == ["failed", "submitted"]
    assert [job.state for job in fetch(kept, forget=[EVERY])] == ["forgotten", "submitted"]
    (cloud / "open").touch()
    assert [job.state for job in fetch(kept)] == ["fetched"]


def test_a_damaged_result_has_a_second_try_before_it_is_given_up(cloud, waiting):
    kept, (one, two, three) = waiting
    (cloud / "open").touch()
    (cloud / "cut").write_text("once")
    found = [(job.job, job.state) for job in fetch(kept, forget=[one])]
    assert found == [(one, "fetched"), (two, "fetched"), (three, "fetched")]


def test_a_result_that_stays_damaged_is_given_up_alone(cloud, waiting):
    kept, (one, two, three) = waiting
    (cloud / "open").touch()
    (cloud / "cut").touch()
    found = {job.job: job for job in fetch(kept, forget=[two])}
    assert [found[number].state for number in (one, two, three)] == [
        "submitted",
        "forgotten",
        "submitted",
    ]
    assert "holds 1 of 20 shots" in found[two].reason
    (cloud / "cut").unlink()
    assert [job.state for job in fetch(kept)] == ["fetched", "fetched"]


def test_only_a_job_that_is_named_is_given_up_where_nobody_answers(cloud, waiting):
    kept, (one, *_) = waiting
    (cloud / f"{one}.qpy").unlink()
    for forget in ([], [EVERY]):
        lost, *_ = fetch(kept, forget=forget)
        assert lost.state == "submitted"
        assert f"LookupError: no job {one}" in lost.reason
    lost, *_ = fetch(kept, forget=[one])
    assert lost.state == "forgotten"
    assert states(kept) == ["submitted"] * 2


def test_what_has_arrived_or_is_unknown_cannot_be_given_up(cloud, waiting):
    kept, (one, *_) = waiting
    (cloud / "open").touch()
    assert [job.state for job in fetch(kept)] == ["fetched"] * 3
    for name in (one, "nobody"):
        with pytest.raises(ConfigError, match=f"no job '{name}' can be given up; .*: none, or all"):
            list(fetch(kept, forget=[name]))
