"""`qfl verify`: any table is recomputed, and a row that does not agree is exit code 4."""

import json

import torch

from qfl.testing.known_answers import verify
from tests.testing.known_answers.computing import row


def test_the_command_recomputes_any_table(real, here):
    (here / "t.json").write_text(json.dumps([row()]))
    done = real("verify", "t.json")
    header, line = done.out.splitlines()
    assert done.code == 0
    assert header.split("\t") == ["id", "expected", "got", "tolerance", "source", "verdict"]
    assert line.split("\t") == [
        "q.r_eff.case", "0.6", "0.6000000000000001", "abs 1e-12", "definition", "pass",
    ]  # fmt: skip
    assert done.err.startswith("1 of 1 known answer agree (")


def test_the_command_recomputes_in_one_thread_and_gives_the_others_back(real, here, monkeypatch):
    (here / "t.json").write_text(json.dumps([row()]))
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)

    def watched(answers):
        seen.append(torch.get_num_threads())
        return verify(answers)

    monkeypatch.setattr("qfl.testing.known_answers.verify", watched)
    assert real("verify", "t.json").code == 0
    assert (seen, torch.get_num_threads()) == ([1], 2)
    torch.set_num_threads(before)


def test_a_changed_value_or_an_unknown_family_is_exit_code_4(real, here):
    table = [row(), {**row(expected=0.61), "id": "q.r_eff.changed"}, row(family="nope")]
    (here / "t.json").write_text(json.dumps(table))
    done = real("verify", "t.json")
    assert done.code == 4
    assert [line.split("\t")[-1] for line in done.out.splitlines()[1:]] == ["pass", "FAIL", "FAIL"]
    assert "q.r_eff.changed: is 0.6000000000000001, not 0.61\n" in done.err
    assert "1 of 3 known answers agree" in done.err


def test_json_for_machines(real, here):
    (here / "t.json").write_text(json.dumps([row(expected=0.61)]))
    done = real("verify", "t.json", "--json")
    [record] = json.loads(done.out)
    assert done.code == 4
    assert record["passed"] is False
    assert record["expected"] == 0.61
    assert record["tolerance"] == {"abs": 1e-12}
    assert record["source"] == "definition"
    assert record["reason"] == "is 0.6000000000000001, not 0.61"


def test_a_table_that_cannot_be_read_is_exit_code_2(real, here):
    (here / "bytes.json").write_bytes(b"\xff\xfe")
    for name, message in (
        ("nowhere.json", "error: cannot read the table nowhere.json: No such file or directory\n"),
        ("bytes.json", "error: cannot read the table bytes.json: it is not UTF-8 text\n"),
    ):
        done = real("verify", name)
        assert (done.code, done.out, done.err) == (2, "", message)
