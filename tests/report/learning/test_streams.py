"""The report of a study with stages: the matrix, what follows from it, and who loses to whom."""

from dataclasses import replace

import numpy as np
import pytest

import qfl.report
from qfl.report.learning import streams
from qfl.report.runs.participation import counts_agree, rounds_to_pairs
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse
from qfl.study import run
from tests.study.test_streaming import SYNTHETIC, study

METHODS = ["naive", "replay", "regularised", "joint", "fresh"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("runs") / "stages"
    federation = {"algorithm": "fedavg", "rounds": 3, "clients_per_round": 2, "epochs": 2}
    made = study(
        seeds=5,
        scenario={**SYNTHETIC, "modalities": 2, "tasks": 2},
        federation=federation | {"model_width": 4, "learning_rate": 0.3},
        stream={"kind": "classes", "task": "task_1", "strategy": "naive", "rounds": [1, 1, 1]},
        headline={"metric": "continual_score", "method": "replay", "baseline": "naive"},
    )
    list(run(made, out=where, jobs=1))
    qfl.report.write(where)
    return where


def by_hand(run_):
    """(4, 3) scores from the records: untrained, then after each of three stages of one round."""
    return np.array(
        [[r.metrics[f"score.on_stage@{j}"] for j in (1, 2, 3)] for r in run_.row.rounds]
    )


def test_the_table_has_what_each_strategy_says(analysis):
    table = analysis.tables["stream"]
    assert [row.method for row in table.rows] == METHODS
    keys = [column.label for column in table.columns[1:]]
    assert keys[:3] == ["score over stages", "score as learnt", "forgetting"]
    assert keys[-1] == "kept of other stages"
    joint, fresh = table.rows[3].cells, table.rows[4].cells
    assert [joint[1 + i].text == "–" for i in range(3)] == [False, True, True]
    assert [fresh[1 + i].text == "–" for i in range(3)] == [True, False, True]


def test_the_matrix_is_that_of_the_records(analysis):
    table, results = analysis.tables["stream-matrix"], analysis.results
    assert len(table.rows) == 5 * 4
    for row in table.rows:
        after = [r for r in table.rows if r.method == row.method].index(row)
        runs = [by_hand(each) for each in results.of("", row.method)]
        for on in range(3):
            found = np.mean([scores[after, on] for scores in runs])
            assert row.cells[2 + on].sort == pytest.approx(found)
    assert [row.cells[1].text for row in table.rows[:4]] == [
        "nothing",
        "stage 1",
        "stage 2",
        "stage 3",
    ]


def test_the_clients_have_a_table_of_their_own(analysis):
    table, results = analysis.tables["stream-clients"], analysis.results
    assert [row.method for row in table.rows] == METHODS
    labels = [column.label for column in table.columns[1:]]
    assert "forgetting, worst client" in labels
    assert "spread of forgetting" in labels
    worst = table.rows[1].cells[1 + labels.index("forgetting, worst client")]
    by_hand_ = []
    for each in results.of("", "replay"):
        rows = [record.client_metrics for record in each.row.rounds[1:]]
        lost = []
        for own in rows[-1]:
            scores = np.array(
                [[row[own].get(f"score.on_stage@{j}", np.nan) for j in (1, 2)] for row in rows]
            )
            falls = scores[:2].max(0) - scores[2]
            if not np.isnan(falls).all():
                lost.append(np.nanmean(falls))
        by_hand_.append(max(lost))
    assert worst.sort == pytest.approx(np.mean(by_hand_))
    assert table.note.startswith("Each client with the model that it uses")


def test_where_modules_stay_at_home_the_matrix_is_that_of_the_clients(tmp_path):
    methods = [
        {"label": "shared", "solver": "random"},
        {"label": "kept", "solver": "random", "federation": {"exchange": "fedper"}},
        {"label": "kept_replay", "solver": "random", "federation": {"exchange": "fedper"}},
    ]
    methods[2]["stream"] = {"strategy": "replay"}
    made = study(
        seeds=2,
        methods=methods,
        headline={
            "metric": "forgetting@personal",
            "method": "kept_replay",
            "baseline": "kept",
        },
    )
    list(run(made, out=tmp_path / "home", jobs=1))
    qfl.report.write(tmp_path / "home")
    found = analyse(read(tmp_path / "home"))
    [row] = [r for r in found.tables["stream"].rows if r.method == "kept"]
    assert {cell.text for cell in row.cells[1:-1]} == {"–"}
    matrix = found.tables["stream-matrix"]
    assert matrix.note.startswith("Where clients keep modules at home, nobody uses the server's")
    last = [r for r in matrix.rows if r.method == "kept"][-1]
    on_first = [
        np.mean(
            [
                own["score.on_stage@1"]
                for own in each.row.rounds[-1].client_metrics.values()
                if "score.on_stage@1" in own
            ]
        )
        for each in found.results.of("", "kept")
    ]
    assert last.cells[2].sort == pytest.approx(np.mean(on_first))
    differences = streams.stream_differences(found.results)
    told = {(d.method, d.baseline, d.outcome.metric.name) for d in differences}
    assert ("kept_replay", "kept", "forgetting@personal") in told
    assert ("kept_replay", "kept", "forgetting") not in told
    [primary, *_] = found.families
    assert primary.differences[0].baseline == "kept"


def test_differences_are_paired_and_follow_from_the_matrix(analysis):
    results = analysis.results
    found = {
        (d.method, d.baseline, d.outcome.metric.label): d
        for d in streams.stream_differences(results)
    }
    runs = {m: {r.seed: by_hand(r) for r in results.of("", m)} for m in METHODS}
    acc = found["replay", "naive", "score over stages"]
    for seed, mine, theirs in acc.pairs:
        assert mine == pytest.approx(runs["replay"][seed][3].mean())
        assert theirs == pytest.approx(runs["naive"][seed][3].mean())
    gain = found["naive", "fresh", "score as learnt, after the first stage"]
    for seed, mine, theirs in gain.pairs:
        assert mine == pytest.approx((runs["naive"][seed][2, 1] + runs["naive"][seed][3, 2]) / 2)
        assert theirs == pytest.approx((runs["fresh"][seed][2, 1] + runs["fresh"][seed][3, 2]) / 2)
    assert len(acc.pairs) == 5
    assert ("replay", "joint", "score over stages") in found
    assert not any(method in ("joint", "fresh") for method, *_ in found)
    assert not any("naive" == method and other == "naive" for method, other, _ in found)


def test_a_reference_without_the_headline_is_no_comparison(analysis):
    [primary, secondary] = analysis.families
    assert [d.baseline for d in primary.differences] == ["naive"]
    assert [d.baseline for d in secondary.differences] == ["regularised", "joint"]
    assert "2 comparisons with Holm" in secondary.refusal


def test_prices_are_lost_as_scores_are_won(analysis):
    rows = [[cell.text for cell in row.cells] for row in analysis.tables["stream-verdicts"].rows]
    verdicts = {(row[0], row[1]): row[-1] for row in rows}
    assert verdicts["replay minus naive", "training operations"] == "worse"
    assert verdicts["replay minus naive", "kept of other stages"] == "worse"
    assert verdicts["regularised minus naive", "payload"] == "worse"
    finding = analysis.tables["stream-verdicts"].finding
    assert finding.startswith("replay against naive: better in ")
    assert "regularised against naive: better in " in finding
    assert finding.count("worse in ") == finding.count("undecided in ") == 2
    assert "forgetting (worst client)" in finding
    assert ", worst client" not in finding
    won, lost, *_ = finding.split("against naive: ")[1].split(";")
    assert "training operations" in lost
    assert "training operations" not in won


def forward(analysis):
    """The verdict on forward transfer of rehearsal, and whether it is drawn."""
    rows = analysis.tables["stream-verdicts"].rows
    found = {(row.cells[0].text, row.cells[1].text): row.cells[-1].text for row in rows}
    drawn = {figure.key for figure in analysis.sections["stream"]}
    assert "interval-backward-transfer" in drawn
    return found["replay minus naive", "forward transfer"], "interval-forward-transfer" in drawn


def test_transfer_to_heads_that_nothing_trained_is_no_open_question(tmp_path):
    list(run(study(), out=tmp_path / "tasks", jobs=1))
    found = analyse(read(tmp_path / "tasks"))
    for strategy in ("naive", "replay", "regularised"):
        for run_ in found.results.of("", strategy):
            assert run_.row.rounds[-1].metrics["forward_transfer"] == 0.0
    assert forward(found) == ("zero by construction", False)
    finding = found.tables["stream-verdicts"].finding
    assert finding.count("zero by construction in forward transfer.") == 2


@pytest.mark.parametrize(
    ("kind", "transfer", "expected"),
    [
        ("tasks", 0.0, ("zero by construction", False)),
        ("tasks", 0.25, ("identical", True)),
        ("noise", 0.0, ("identical", False)),
        ("classes", 0.0, ("identical", False)),
    ],
)
def test_only_zeros_of_tasks_are_by_construction(analysis, kind, transfer, expected):
    """The mutations: the same records, had the stages or what was carried forward been others."""
    assert forward(analysis) == ("undecided", True)
    runs = []
    for each in analysis.results.runs:
        cell = replace(each.row.cell, stream={**each.row.cell.stream, "kind": kind})
        *first, last = each.row.rounds
        if "forward_transfer" in last.metrics:
            last = replace(last, metrics={**last.metrics, "forward_transfer": transfer})
        runs.append(replace(each, row=replace(each.row, cell=cell, rounds=(*first, last))))
    assert forward(analyse(replace(analysis.results, runs=tuple(runs)))) == expected


def test_every_stage_has_a_curve_and_nothing_else_counts_it_as_a_metric(analysis):
    drawn = [figure.key for figure in analysis.sections["stream"]]
    assert drawn[:3] == [f"curve-score-on-stage-{j}" for j in (1, 2, 3)]
    assert "interval-forgetting" in drawn
    assert not any("on_stage" in name for name in analysis.results.metrics)
    assert "score.on_stage@2" in analysis.data["rounds"]
    assert analysis.tables["trained-pairs"].rows == ()
    assert not any("incomplete" in row.cells[0].text for row in analysis.tables["unfinished"].rows)
    assert len(analysis.results.runs) == 25


def test_the_page_and_the_summary_say_what_changed_and_who_lost(folder):
    for name in ("report.html", "summary.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "3 stages, the classes of task_1 in groups, of 1, 1 and 1 rounds." in text
        assert "replay against naive: better in" in text
        assert "Score on every stage, after every stage" in text
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "samples in stage 2" in page
    assert 'id="stream"' in page


def test_pairs_are_not_counted_where_stages_say_when_each_is_trained(analysis):
    run_ = analysis.results.runs[0]
    first, *rest = (replace(record, least_trained=record.round) for record in run_.row.rounds)
    uneven = {"client-00": {"modalities": ["a"], "tasks": ["x"]}}
    uneven |= {f"client-0{i}": {"modalities": ["a"], "tasks": ["x", "y"]} for i in (1, 2, 3)}
    row = replace(run_.row, rounds=(replace(first, holdings=uneven), *rest))
    assert rounds_to_pairs(replace(run_, row=row)) != rounds_to_pairs(replace(run_, row=row))
    assert counts_agree(replace(run_, row=row)) is None
    alike = replace(row, cell=replace(row.cell, stream={}))
    assert rounds_to_pairs(replace(run_, row=alike)) == 1.0
    assert counts_agree(replace(run_, row=alike)) is not None


def test_a_study_without_stages_has_none_of_it(tmp_path):
    plain = study(
        stream={},
        methods=[{"label": name, "solver": name} for name in ("random", "greedy")],
        headline={"metric": "task_1.accuracy", "method": "random", "baseline": "greedy"},
        federation={"algorithm": "fedavg", "rounds": 1, "clients_per_round": 2, "model_width": 4},
    )
    list(run(plain, out=tmp_path / "plain", jobs=1))
    found = analyse(read(tmp_path / "plain"))
    for key in ("stream", "stream-verdicts", "stream-matrix"):
        assert found.tables[key].rows == ()
        assert found.tables[key].note in ("", streams.stream_table(found.results, ()).note)
    assert found.sections["stream"] == ()
    assert streams.method(found.results) == ""
