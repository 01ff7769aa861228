"""`qfl list`: what a study can name, and what is not installed."""

import subprocess
import sys

import pytest


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
