"""The commands that look at runs and at the suite itself."""

import csv
import io
import json
import subprocess
import sys

import pytest

from qfl.study.folder import RunFolder, toml
from qfl.study.store import load


@pytest.fixture
def run_folder(qfl, file, here):
    """runs/toy, finished."""
    assert qfl("run", file, "--jobs", 1).code == 0
    return here / "runs/toy"


def test_status_counts_states_of_all_runs_or_one(qfl, file, run_folder):
    for arguments in (["status"], ["status", "toy"], ["status", file], ["status", "runs/toy"]):
        done = qfl(*arguments)
        header, line = done.out.splitlines()
        assert header == "run\tdone\tstale\tfailed\tskipped\tpending\trunning\ttodo"
        assert line.endswith("runs/toy\t4\t\t\t\t\t\t")
        assert done.code == 0


def test_status_shows_what_is_left_running_and_stale(qfl, run_folder):
    path = run_folder / "cells.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    stale = lines[0].replace(json.loads(lines[0])["fingerprint"], "other")
    path.write_text("".join([stale, lines[1]]))
    folder = RunFolder(run_folder)
    running = json.loads(lines[3])["id"]
    folder.note_running({running: 2})
    with folder.held():
        done = qfl("status", "toy")
    assert done.out.splitlines()[1] == "runs/toy\t1\t1\t\t\t\t1\t1"
    assert "running: qaoa, seed 1: 2 rounds (pid" in done.err
    assert qfl("status", "toy").out.splitlines()[1] == "runs/toy\t1\t1\t\t\t\t\t2"


def test_runs_that_are_not_there_are_named(qfl, run_folder, here):
    done = qfl("status", "tyo")
    assert (done.code, done.err) == (
        2,
        "error: no run 'tyo'; there are runs/toy. Start one with: qfl run STUDY\n",
    )


def test_status_without_runs_says_how_to_start(qfl):
    done = qfl("status")
    assert (done.code, done.err) == (0, "there are no runs yet; start one with: qfl demo\n")


def test_validate_names_a_task_that_nobody_holds(qfl, here, settings):
    settings["scenario"]["clients"], few = 3, here / "few.toml"
    settings["federation"]["clients_per_round"] = 2
    few.write_text(toml(settings))
    done = qfl("validate", few)
    assert done.code == 0
    first, note = done.out.splitlines()
    assert first == f"{few} is valid (study: 4 cells, smoke: 2 cells)"
    assert note.startswith("note: no client holds slant with seeds 0, 1; its metrics are")


def test_validate_takes_a_study_or_a_run(qfl, file, run_folder):
    assert qfl("validate", file).out == f"{file} is valid (study: 4 cells, smoke: 2 cells)\n"
    assert qfl("validate", "runs/toy").out == "runs/toy is valid: 4 of 4 cells done\n"
    file.write_text(file.read_text().replace("seeds = 2", "seedz = 2"))
    done = qfl("validate", file)
    assert done.code == 2
    assert f"error: {file}: 2 errors" in done.err
    assert "seedz: unknown key (did you mean 'seeds'?)" in done.err


def test_validate_misses_provenance_that_is_gone(qfl, run_folder):
    next((run_folder / "provenance").iterdir()).unlink()
    done = qfl("validate", "runs/toy")
    assert done.code == 2
    assert "is missing; rows refer to it" in done.err


def test_export_is_one_csv_line_per_round(qfl, run_folder, here):
    done = qfl("export")
    lines = list(csv.DictReader(io.StringIO(done.out)))
    assert len(lines) == 16
    assert lines[0]["method"] == "random"
    row = load(run_folder / "cells.jsonl")[-1]
    assert float(lines[-1]["digit.accuracy"]) == row.rounds[-1].metrics["digit.accuracy"]
    assert qfl("export", "toy", "--csv", "toy.csv").err == "toy.csv: 16 lines\n"
    assert (here / "toy.csv").read_text() == done.out
    assert "cannot write none/toy.csv" in qfl("export", "toy", "--csv", "none/toy.csv").err


def test_diff_finds_the_first_number_that_differs(qfl, file, run_folder, here):
    qfl("run", file, "--jobs", 1, "--out", "again")
    assert "4 cells the same bit for bit" in qfl("diff", "toy", "again").err
    path = here / "again" / "cells.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    changed = lines[0].replace('"payload_bytes_up":2', '"payload_bytes_up":7')
    path.write_text("".join([changed, *lines[1:3]]))
    done = qfl("diff", "toy", "again")
    assert done.code == 4
    assert done.out.splitlines()[1:] == [
        "random, seed 0\tround 2: costs.payload_bytes_up is 2 and 7",
        "qaoa, seed 1\tonly in toy",
    ]


def test_schema_offers_the_options_of_every_row(qfl):
    schema = json.loads(qfl("schema").out)
    solvers = schema["properties"]["methods"]["items"]["oneOf"]
    circuit = next(row for row in solvers if row["properties"]["solver"]["const"] == "circuit")
    assert circuit["required"] == ["solver", "shots"]
    assert circuit["properties"]["mixer"]["enum"] == ["x", "xy"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "kind", ["solvers", "problems", "algorithms", "channels", "scenarios", "datasets", "solver"]
)
def test_list_names_every_row(qfl, kind):
    lines = qfl("list", kind).out.splitlines()
    assert lines[0] == "name\tinstalled\twhat it is"
    assert len(lines) > 1


def test_list_says_how_to_install_what_is_missing(qfl, monkeypatch):
    from qfl.cli import listing

    monkeypatch.setitem(listing.KINDS, "backends", "toys:BACKENDS")
    assert "cloud\tno: pip install 'qfl[cloud]'\t?\t?\t?\tfar away" in qfl("list", "backends").out


def test_list_backends_says_what_a_study_must_know():
    done = subprocess.run(
        [sys.executable, "-m", "qfl", "list", "backends"],
        capture_output=True,
        text=True,
        check=True,
    )
    head, *lines = (line.split("\t") for line in done.stdout.splitlines())
    assert head == [
        "name",
        "installed",
        "qubits",
        "constraint mixers",
        "account",
        "what it is",
    ]
    rows = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    assert rows["ibm:NAME"]["account"] == "IBM Quantum"
    assert rows["aer:fake_NAME"]["account"] == "no"
    assert "xy_complete" in rows["subspace"]["constraint mixers"]
    assert "xy_complete" not in rows["aer"]["constraint mixers"]
    assert "1 to 156 (qfl list snapshots)" in rows["aer:fake_NAME"]["qubits"]


def test_list_snapshots_says_how_many_qubits_each_has(qfl):
    head, *lines = (line.split("\t") for line in qfl("list", "snapshots").out.splitlines())
    assert head == ["name", "qubits"]
    assert {("aer:fake_fez", "156"), ("aer:fake_manila", "5")} <= set(map(tuple, lines))
    sizes = [int(size) for _, size in lines]
    assert sizes == sorted(sizes, reverse=True)


def test_list_of_an_unknown_kind_names_the_kinds(qfl):
    done = qfl("list", "solvrs")
    assert done.code == 2
    assert "unknown kind 'solvrs' (did you mean 'solvers'?)" in done.err


def test_doctor_never_shows_a_credential(qfl, monkeypatch):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "hunter2")
    monkeypatch.setenv("QFL_DATA", "/nowhere")
    done = qfl("doctor")
    found = dict(line.split("\t")[:2] for line in done.out.splitlines())
    assert found["IBM Quantum credentials"] == "present"
    assert found["numpy"]
    assert "QFL_DATA\t/nowhere\tno such folder" in done.out
    assert "hunter2" not in done.out + done.err


def test_doctor_is_not_fooled_by_an_account_file_without_an_account(qfl, monkeypatch, tmp_path):
    """IBM's client leaves "{}" behind when it finds none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    file = tmp_path / ".qiskit" / "qiskit-ibm.json"
    file.parent.mkdir()
    for text, found in (("{}", "none"), ('{"default": {"channel": "x"}}', "present")):
        file.write_text(text)
        (line,) = (x for x in qfl("doctor").out.splitlines() if x.startswith("IBM Quantum cred"))
        assert line.split("\t")[1] == found


def test_doctor_says_how_to_install_a_missing_extra(qfl, monkeypatch):
    from qfl.cli import doctor

    def missing(name):
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)
    assert doctor._installed("qiskit", "pip install 'qfl[qiskit]'") == (
        "missing",
        "pip install 'qfl[qiskit]'",
    )


@pytest.mark.parametrize("command", [["list", "solvers"], ["--version"]])
def test_output_that_no_disk_can_hold_is_one_message(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "qfl", *command], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "error: no space left for the output of this command\n"


def test_help_and_version(qfl):
    assert "Start with: qfl demo" in qfl("--help").out
    assert qfl("--version").out.strip()
    assert qfl("runn").code == 2
