"""The report of a study with masks, privacy and attacks: what it must say, and what it must not."""

import base64
import re

import pytest

import qfl.report
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse
from qfl.security import HONESTY
from qfl.security.keys import Secret
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.reach import padded_rate
from qfl.study import Study, run

PLANTED_BYTES = 16


def study(**changes):
    plain = {
        "name": "guarded",
        "title": "Guarded",
        "question": "Who guards what?",
        "hypothesis": "All do.",
        "seeds": 1,
        "scenario": {"name": "digits", "clients": 6, "dirichlet_alpha": 1.0},
        "federation": {
            "algorithm": "fedavg",
            "rounds": 2,
            "clients_per_round": 6,
            "epochs": 1,
            "model_width": 4,
        },
        "selection": {"problem": "client_selection", "redundancy": 0.0, "loss": 0.0},
        "channel": {"name": "sealed"},
        "methods": [
            {"label": "open", "solver": "random"},
            {"label": "seeds", "solver": "random", "channel": {"name": "masked", "masks": "qkd"}},
            {
                "label": "noisy",
                "solver": "random",
                "channel": {"name": "masked"},
                "privacy": {"mechanism": "distributed", "noise_multiplier": 2.0},
            },
        ],
        "headline": {"metric": "digit.accuracy", "method": "seeds", "baseline": "open"},
        "reach": {"longest_km": 100.0},
    }
    return Study(**{**plain, **changes})


@pytest.fixture(scope="module")
def seen():
    """The beginning of every secret made while the run of this module was played."""
    return set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, seen):
    """A whole run and its report, with every secret noted as it is made."""
    made = Secret.__init__

    def noted(self, material):
        made(self, material)
        if len(material) >= PLANTED_BYTES:
            seen.add(bytes(material[:PLANTED_BYTES]))

    where = tmp_path_factory.mktemp("runs") / "guarded"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Secret, "__init__", noted)
        list(run(study(), out=where, jobs=1))
        qfl.report.write(where)
    return where


def shown(text, secrets):
    """Return the secrets of which `text` shows the beginning, in hexadecimal or in base64."""
    forms = {secret.hex().encode(): secret for secret in secrets}
    forms |= {base64.b64encode(secret)[:20]: secret for secret in secrets}
    found = set()
    for pattern, size in ((rb"[0-9a-f]{32,}", 32), (rb"[A-Za-z0-9+/]{20,}", 20)):
        for word in re.findall(pattern, text):
            windows = {word[i : i + size] for i in range(len(word) - size + 1)}
            found |= {forms[window] for window in windows & forms.keys()}
    return found


def test_no_key_is_in_anything_that_a_run_leaves_behind(folder, seen):
    """All secrets, searched in all files; these are text, in which raw keys do not survive."""
    assert len(seen) > 200
    planted = min(seen)
    assert shown(b"key=" + planted.hex().encode() + b";", seen) == {planted}
    assert shown(b'"' + base64.b64encode(planted + bytes(16)) + b'"', seen) == {planted}
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(paths) > 10
    for path in paths:
        path.read_text(encoding="utf-8")
        assert not shown(path.read_bytes(), seen)


def test_the_report_says_what_was_seen_and_what_it_costs(folder):
    analysis = analyse(read(folder))
    tables = analysis.tables
    assert {row.method for row in tables["sums"].rows} == {"seeds", "noisy"}
    [row] = tables["privacy"].rows
    text = [cell.text for cell in row.cells]
    assert row.method == "noisy"
    assert "1e-05" in text
    assert "replace one client's changes by zero" in text
    assert "privacy loss distribution of a dominating Gaussian" in text
    assert not tables["matrix"].rows
    assert not tables["attacks"].rows
    assert [figure.key for figure in analysis.sections["reach"]] == ["rates"]
    assert len(tables["pads"].rows) == 5
    assert [figure.key for figure in analysis.sections["privacy"]] == ["digit-accuracy-by-epsilon"]
    assert not analysis.unpaired


def test_every_report_is_honest_about_emulated_keys(folder):
    for name in ("report.html", "summary.md"):
        text = (folder / name).read_text()
        assert "Emulated QKD gives no real-world secrecy" in text
        assert "A real deployment needs QKD hardware" in text
    assert "A real deployment needs" in HONESTY


def test_reports_without_links_are_honest_too(tmp_path):
    made = study(
        channel={"name": "plain"},
        methods=[{"label": name, "solver": name} for name in ("random", "exact")],
        headline={"metric": "digit.accuracy", "method": "exact", "baseline": "random"},
        reach=None,
    )
    list(run(made.with_overrides(overrides={"federation.rounds": 1}), out=tmp_path / "run"))
    qfl.report.write(tmp_path / "run")
    assert HONESTY in (tmp_path / "run" / "summary.md").read_text()


def test_sums_stand_beside_the_least_and_the_naive_key(folder):
    table = analyse(read(folder)).tables["sums"]
    labels = [column.label for column in table.columns]
    for row in table.rows:
        texts = dict(zip(labels, (cell.text for cell in row.cells), strict=True))
        used, least, naive = (
            float(texts[name].replace(",", ""))
            for name in ("key bits a sum", "at the least", "pairwise pads")
        )
        assert used < least < naive
        assert texts["numbers cut"] == "0"


def test_the_own_upload_is_padded_as_it_is_sent(folder):
    """32 bits a number and a tag: twice the seconds of 16 bits, up to the tag."""
    rows = {row.cells[0].text: row for row in analyse(read(folder)).tables["pads"].rows}
    numbers = int(rows["this study's upload"].cells[1].text.replace(",", ""))
    speed = padded_rate(FibreLink(length_km=10.0))
    seconds = (32 * numbers + 256) / speed
    assert rows["this study's upload"].cells[2].text == f"{1e3 * seconds:.3g} ms"


def test_methods_by_attacks(tmp_path):
    methods = [
        {"label": rule, "solver": "random", "defence": {"rule": rule}}
        for rule in ("mean", "median")
    ]
    made = study(
        channel={"name": "plain"},
        methods=methods,
        adversary={"attack": "backdoor", "corrupted": 2},
        sweep={"adversary.attack": ("none", "backdoor")},
        headline={"metric": "digit.accuracy", "method": "median", "baseline": "mean"},
        reach=None,
    )
    list(run(made.with_overrides(overrides={"federation.rounds": 1}), out=tmp_path / "run"))
    analysis = analyse(read(tmp_path / "run"))
    matrix, backdoors = analysis.tables["matrix"], analysis.tables["backdoors"]
    assert [column.key for column in matrix.columns] == ["method", "attack backdoor", "attack none"]
    assert len(matrix.rows) == 2
    assert [column.key for column in backdoors.columns] == ["method", "attack backdoor"]
    assert not analysis.unpaired
