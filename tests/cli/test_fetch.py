"""A study on a machine with a queue: run, wait, fetch, run on, replay; against a loopback cloud."""

import json

import pytest
from loopback import DEVICE, TOKEN
from machine_fixtures import cloud, connected

from qfl.study.folder import RunFolder, toml

__all__ = ["cloud", "connected"]


@pytest.fixture
def study(here):
    """Five clients, two of them chosen in each of two rounds by the machine."""
    path = here / "hardware.toml"
    quantum = {"solver": "qaoa", "label": "qaoa", "backend": f"ibm:{DEVICE}", "mixer": "xy_ring"}
    quantum |= {"schedule": "transfer", "training_backend": "subspace", "depth": 1, "shots": 64}
    settings = {
        "name": "hardware",
        "title": "On a machine",
        "question": "Does it run?",
        "hypothesis": "It does.",
        "seeds": 1,
        "scenario": {"name": "digits", "clients": 5},
        "federation": {"algorithm": "fedavg", "rounds": 2, "clients_per_round": 2, "epochs": 1},
        "selection": {"problem": "client_selection"},
        "channel": {"name": "plain"},
        "methods": [quantum, {"solver": "random", "label": "random"}],
        "headline": {
            "metric": "digit.accuracy",
            "target": 0.5,
            "method": "qaoa",
            "baseline": "random",
        },
    }
    path.write_text(toml(settings))
    return path


def test_nothing_is_given_up_while_a_run_is_sending(real, study, cloud, here):
    cloud.mood = "queued"
    assert real("run", study, "--jobs", 1).code == 3
    with RunFolder(here / "runs/hardware").held():
        refused = real("fetch", "--forget", "all")
        assert refused.code == 2
        assert "is writing" in refused.err
        assert real("fetch").code == 3  # looking is free
    assert real("fetch", "--forget", "all").code == 3


def test_fetching_beside_a_run_only_collects(real, study, cloud, here):
    """The cloud has a job whose id the run has not heard; nobody else takes it over."""
    cloud.lost = ["drop"]
    assert real("run", study, "--jobs", 1).code == 3
    path = here / "runs/hardware/jobs.jsonl"
    intent = path.read_text()
    with RunFolder(here / "runs/hardware").held():
        beside = real("fetch")
        assert beside.code == 3
        assert "it may still be being sent" in beside.out
        assert path.read_text() == intent
    assert real("fetch").code == 0


def test_run_fetch_run_replay(real, study, cloud, here):
    cloud.mood = "queued"
    sent = real("run", study, "--jobs", 1)
    assert sent.code == 3, sent.err
    assert "next: qfl fetch runs/hardware" in sent.err
    assert cloud.log.count("POST /jobs") == 1
    waiting = real("fetch")
    assert waiting.code == 3
    assert "0 jobs fetched, 1 still waiting" in waiting.err
    again = real("run", study, "--jobs", 1)
    assert again.code == 3
    assert cloud.log.count("POST /jobs") == 1  # the cell waits for its job; none is sent again
    cloud.mood = "done"
    cloud.jobs["job-0000"]["mood"] = "done"
    assert real("fetch").code == 0
    done = real("run", study, "--jobs", 1)
    assert done.code == 0, done.err
    assert cloud.log.count("POST /jobs") == 2  # the second round's job was done at once
    nothing = real("fetch", "hardware")
    assert "0 jobs fetched, 0 still waiting" in nothing.err
    assert "next: qfl report runs/hardware" in nothing.err

    cloud.log.clear()
    lines = (here / "runs/hardware/cells.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    finished = next(r for r in rows if r["status"] == "done" and r["labels"]["method"] == "qaoa")
    replayed = real("replay", "hardware", finished["id"][:10])
    assert replayed.code == 0, replayed.err
    assert "3 rounds the same bit for bit" in replayed.err
    assert cloud.log == []
    said = real("report", "hardware")
    assert said.code == 0, said.err
    everything = [path.read_bytes() for path in here.rglob("*") if path.is_file()]
    assert len(everything) > 10
    assert not [content for content in everything if TOKEN.encode() in content]
    assert TOKEN not in said.out + said.err + sent.out + sent.err + done.out + done.err

    wrong = real("replay", "hardware", "zzz")
    assert wrong.code == 2
    assert "0 finished cells begin with 'zzz'" in wrong.err


def test_estimate_says_what_it_will_cost_and_sends_nothing(real, study, cloud):
    found = real("estimate", study, "--set", "methods=[]")
    assert found.code == 2
    found = real("estimate", study)
    assert found.code == 0, found.err
    head, row = (line.split("\t") for line in found.out.splitlines())
    line = dict(zip(head, row, strict=True))
    assert (line["machine"], line["jobs"], line["shots"]) == (f"ibm:{DEVICE}", "2", "64")
    assert float(line["QPU seconds"]) > 6
    assert float(line["USD"]) == pytest.approx(1.6 * float(line["QPU seconds"]), abs=0.1)
    assert "prices as of 20" in found.err
    refused = real("estimate", study, "--max-cost", "5s-qpu")
    assert refused.code == 4
    assert "above --max-cost 5s-qpu: nothing was sent" in refused.err
    assert "POST /jobs" not in cloud.log


def test_a_run_above_its_limit_sends_nothing(real, study, cloud, here):
    for words in (("run", study, "--jobs", 1), ("estimate", study)):
        wrong = real(*words, "--max-cost", "nonsense")
        assert wrong.code == 2
        assert wrong.out == ""
        assert wrong.err.startswith("error: --max-cost takes 60s-qpu or 12.5USD, got 'nonsense'")
    refused = real("run", study, "--jobs", 1, "--max-cost", "5s-qpu")
    assert refused.code == 4, refused.err
    assert "above --max-cost 5s-qpu: nothing was sent" in refused.err
    assert "was not verified with its vendor" in refused.err
    mitigated = ["--set", "methods.qaoa.backend=mitigation:readout"]
    mitigated += ["--set", f"methods.qaoa.backend_options={{backend = 'ibm:{DEVICE}'}}"]
    again = real("run", study, "--jobs", 1, "--max-cost", "5USD", *mitigated)
    assert again.code == 4, again.err
    assert not (here / "runs").exists()
    free = here / "free.toml"
    row = 'prefix = "ibm:"\nplan = "open"\nper_qpu_second = 0.0\nper_task = 0.0\nper_shot = 0.0\n'
    row += "overhead_seconds = 3.3\nrepetition_seconds = 250e-6\n"
    free.write_text(f'date = "2026-01-01"\ncurrency = "USD"\n[[machine]]\n{row}')
    budget = real("run", study, "--jobs", 1, "--prices", free, "--max-cost", "5s-qpu")
    assert budget.code == 4, budget.err  # the seconds of a plan without a price are limited too
    cloud.mood = "queued"
    sent = real("run", study, "--jobs", 1, "--max-cost", "60s-qpu")
    assert sent.code == 3, sent.err
    assert cloud.log.count("POST /jobs") == 1


def test_what_was_used_counts_against_the_limit(real, study, cloud, here):
    """A job that failed took 3.5 s: it is said, and two more jobs would be above 8."""
    cloud.mood = "failed"
    assert real("run", study, "--jobs", 1, "--max-cost", "8s-qpu").code == 1
    for _ in range(2):  # it stays failed, and fetching says how to go on
        failed = real("fetch")
        assert failed.code == 1
        assert "0 still waiting, 1 failed" in failed.err
        assert "next: qfl fetch runs/hardware --forget job-0000, and they" in failed.err
    again = real("run", study, "--jobs", 1, "--rerun", "failed")
    assert again.code == 1
    assert "sends it again if you give it up: qfl fetch --forget job-0000" in again.err
    given_up = real("fetch", "--forget", "job-0000")
    assert given_up.code == 0
    said = "3.5 QPU seconds used so far, 3.5 of them by duplicates and by jobs that failed or were"
    assert said in given_up.err
    cloud.mood = "done"
    again = ["run", study, "--jobs", 1, "--rerun", "failed", "--max-cost"]
    refused = real(*again, "8s-qpu")
    assert refused.code == 4
    assert "used so far: 3.5 QPU seconds, 5.60 USD; 3.5 of the seconds by dup" in refused.err
    assert cloud.log.count("POST /jobs") == 1
    done = real(*again, "12s-qpu")
    assert done.code == 0, done.err
    repeated = real("run", study, "--jobs", 1, "--max-cost", "12s-qpu")  # 10.5 used, no more to do
    assert repeated.code == 0, repeated.err
    assert "used so far: 10.5 QPU seconds" in repeated.err
    asked = real("estimate", here / "runs/hardware", "--max-cost", "8s-qpu")
    assert asked.code == 4  # all it asks, and what was lost on the way
    assert "used so far: 10.5 QPU seconds" in asked.err
    assert real("estimate", study, "--max-cost", "8s-qpu").code == 0


def test_circuits_that_were_answered_are_not_priced_again(real, study, cloud):
    cloud.mood = "queued"
    assert real("run", study, "--jobs", 1).code == 3
    cloud.jobs["job-0000"]["mood"] = "done"
    assert real("fetch").code == 0
    going_on = real("run", study, "--jobs", 1, "--max-cost", "8s-qpu")  # 3.5 used, one more to send
    assert going_on.code == 3, going_on.err
