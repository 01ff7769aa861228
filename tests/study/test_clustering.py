"""Clusters in a study: what they are, what goes with them, and what is refused and why."""

import pytest

from qfl.core.cell import Cell
from qfl.core.errors import StudyError
from qfl.federation.clusters.declared import HELD
from qfl.scenarios.digits import Digits
from qfl.study import Study, cells, pairing_key, run
from qfl.study.assemble import play
from qfl.study.events import CellStored, RoundPlayed
from qfl.study.store import load

PLACED = {"head:*": {"placement": "cluster"}}
QUIET = {"loss": 0.0, "redundancy": 0.0}
MASKED = {"name": "masked"}


def study(clusters=None, *, federation=None, **changes):
    plain = {
        "name": "clusters",
        "title": "Clusters",
        "question": "?",
        "hypothesis": "!",
        "seeds": 1,
        "scenario": {
            "name": "synthetic",
            "clients": 6,
            "groups": 2,
            "patterns": 1,
            "tasks": 2,
            "modalities": 2,
            "test_samples": 60,
        },
        "federation": {
            "algorithm": "fedavg",
            "rounds": 4,
            "clients_per_round": 6,
            "modules": PLACED,
            "model_width": 8,
            **(federation or {}),
        },
        "selection": {"problem": "client_selection"},
        "channel": {"name": "plain"},
        "clusters": clusters or {"by": "declared", "attribute": "group"},
        "methods": [{"solver": "greedy"}],
        "headline": {"metric": "score@personal", "method": "greedy", "baseline": "greedy"},
    }
    return Study(**{**plain, **changes})


def problems(**changes):
    with pytest.raises(StudyError) as caught:
        study(**changes)
    return dict(caught.value.issues)


def test_a_typo_in_what_divides_clients_is_the_only_error():
    """Methods that divide in other ways take none of its options along."""
    ways = {
        "loss": {"by": "loss", "count": 3},
        "direction": {"by": "direction", "count": 3, "after": 2},
        "none": {"by": "none"},
    }
    methods = [{"solver": "greedy"}] + [
        {"label": label, "solver": "greedy", "clusters": way} for label, way in ways.items()
    ]
    methods[-1]["federation"] = {"modules": {"head:*": {"placement": "global"}}}
    right = {"by": "declared", "attribute": "group"}
    assert len(study(right, methods=methods).methods) == 4
    found = problems(clusters={**right, "by": "declred"}, methods=methods)
    assert found == {
        "clusters.by": "unknown way to divide clients 'declred' (did you mean 'declared'?); "
        "allowed: declared, direction, loss, none"
    }
    methods[1]["clusters"] = {"by": "loss", "atribute": "group"}
    found = problems(clusters=right, methods=methods)
    assert list(found) == ["methods.loss.clusters.atribute"]


@pytest.mark.parametrize(
    "clusters",
    [{"by": "declared", "attribute": "group"}, {"by": "loss"}, {"by": "direction", "after": 2}],
)
def test_a_study_divides_its_clients_and_plays_again_alike(clusters):
    """Exact: the cell read back from its identity, as a replay reads it, gives the same bits."""
    [cell] = cells(study(clusters))
    again = Cell.from_identity(cell.identity())
    assert again.id == cell.id
    runs = [[r.to_dict() | {"timings": None} for r in play(c)] for c in (cell, again)]
    assert runs[0] == runs[1]
    last = runs[0][-1]["clusters"]
    assert len(last["members"]) == 6
    assert last["modules"] == ("head:*:task_0", "head:*:task_1")
    if clusters["by"] == "declared":
        assert [last["members"][f"client-0{i}"] for i in range(6)] == ["0", "1"] * 3


def test_a_run_that_stops_in_the_middle_of_a_cell_ends_alike(tmp_path):
    """Exact: what was learned of clusters is learned again, for cells are played from the start."""
    asked = study({"by": "direction", "after": 2})
    whole = [
        event.row for event in run(asked, out=tmp_path / "whole") if isinstance(event, CellStored)
    ]
    stopped = run(asked, out=tmp_path / "run")
    for event in stopped:
        if isinstance(event, RoundPlayed) and event.record.round == 3:
            break
    stopped.close()
    assert not (tmp_path / "run" / "cells.jsonl").exists()
    list(run(asked, out=tmp_path / "run"))
    [again] = load(tmp_path / "run" / "cells.jsonl")
    assert [again.content()] == [row.content() for row in whole]
    assert again.rounds[-1].clusters.clusters == ("undivided", "0", "1")


def test_methods_may_share_and_divide_and_are_paired():
    shared = {"modules": {"head:*": {"placement": "global"}}}
    methods = [
        {"label": "apart", "solver": "greedy"},
        {"label": "together", "solver": "greedy", "federation": shared, "clusters": {"by": "none"}},
        {"label": "lossy", "solver": "greedy", "clusters": {"by": "loss", "count": 3}},
    ]
    headline = {"metric": "score@personal", "method": "apart", "baseline": "together"}
    found = cells(study(methods=methods, headline=headline))
    assert [cell.clusters["by"] for cell in found] == ["declared", "none", "loss"]
    assert found[2].clusters == {"by": "loss", "count": 3, "spread": 0.3}
    assert len({pairing_key(cell) for cell in found}) == 1
    assert len({cell.id for cell in found}) == 3
    assert [r.clusters for r in play(found[1])] == [None] * 5


def test_a_study_without_clusters_has_the_cells_it_had():
    plain = study(federation={"modules": {}}, clusters={"by": "none"})
    [cell] = cells(plain.with_overrides(overrides={"clusters": {}}))
    assert "clusters" not in cell.identity()


def test_methods_may_choose_clients_by_weights_of_their_own():
    methods = [
        {"label": "greedy", "solver": "greedy"},
        {"label": "covering", "solver": "greedy", "selection": {"coverage": 1.0}},
    ]
    found = cells(study(methods=methods))
    assert [cell.selection["coverage"] for cell in found] == [0.0, 1.0]
    assert len({pairing_key(cell) for cell in found}) == 1
    wrong = [{"label": "greedy", "solver": "greedy", "selection": {"covrage": 1.0}}]
    found = problems(methods=wrong)
    assert "did you mean 'coverage'" in found["methods.greedy.selection.covrage"]


REFUSED = [
    ({"clusters": {"by": "none"}}, r"federation.modules.head:\*.placement", "nothing says who"),
    ({"federation": {"modules": {}}}, "clusters.by", "no module is placed cluster"),
    (
        {"clusters": {"by": "declared", "attribute": "gruop"}},
        "clusters.attribute",
        r"unknown attribute 'gruop' \(did you mean 'group'\?\)",
    ),
    ({"clusters": {"by": "loss", "count": 7}}, "clusters.count", "7 clusters of 6 clients"),
    ({"clusters": {"by": "direction", "after": 4}}, "clusters.after", "after round 4 of 4"),
    ({"federation": {"algorithm": "scaffold"}}, "federation.algorithm", "one control variate"),
    ({"federation": {"algorithm": "local"}}, "federation.algorithm", "lets nothing travel"),
    ({"federation": {"algorithm": "centralised"}}, "federation.algorithm", "on everybody's"),
    (
        {"federation": {"algorithm": "fedlora", "model": "tiny", "lora_rule": "stack"}},
        "federation.algorithm",
        "moves the base",
    ),
    (
        {"channel": MASKED, "selection": {"problem": "client_selection", **QUIET}}
        | {"clusters": {"by": "direction"}},
        "clusters.by",
        "direction compares single changes",
    ),
    (
        {"channel": MASKED, "selection": {"problem": "client_selection", **QUIET}}
        | {"clusters": {"by": "loss", "count": 3}},
        "clusters.count",
        "6 clients a round in 3 clusters leave fewer than 3",
    ),
    (
        {"privacy": {"mechanism": "local"}, "clusters": {"by": "loss"}}
        | {"selection": {"problem": "client_selection", **QUIET}},
        "clusters.by",
        "which no noise covers; take declared",
    ),
    ({"defence": {"rule": "fltrust"}}, "defence.rule", "fltrust trains one model"),
    ({"forget": {"method": "sharded", "task": "task_1"}}, "forget.method", "shards never meet"),
    ({"forget": {"method": "replay", "task": "task_1"}}, "forget.method", "replay calibrates one"),
    (
        {"forget": {"method": "nothing", "task": "task_1"}, "clusters": {"by": "loss"}},
        "forget.method",
        "nothing forgets who is in which cluster",
    ),
]


@pytest.mark.parametrize(("changes", "key", "message"), REFUSED)
def test_what_does_not_go_together_is_refused_with_its_reason(changes, key, message):
    with pytest.raises(StudyError, match=rf"{key}.*{message}"):
        study(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": MASKED, "selection": {"problem": "client_selection", **QUIET}},
        {"privacy": {"mechanism": "local"}}
        | {"selection": {"problem": "client_selection", **QUIET}},
        {"defence": {"rule": "median"}},
        {"adversary": {"attack": "sign_flip"}},
        {"federation": {"algorithm": "fedadam", "codec": "int8"}},
        {"federation": {"algorithm": "fedlora", "model": "tiny"}},
        {"federation": {"algorithm": "tap", "validation_fraction": 0.2}},
        {"forget": {"method": "retrain", "clients": ["client-01"], "retrainings": 2}},
    ],
)
def test_what_goes_together_plays(changes):
    [cell] = cells(study(**changes))
    records = list(play(cell))
    assert len(records[-1].clusters.members) >= 5
    assert all(r.clusters.clusters == ("0", "1") for r in records)


def test_everybody_declares_what_it_holds():
    assert Digits().outline().attributes == HELD
