"""Streams in a study: what they can be combined with, what is paired, and that cells play them."""

import pytest

from qfl.core.errors import StudyError
from qfl.core.metrics import OF_CLIENTS_IN_STREAMS as OF_CLIENTS
from qfl.core.metrics import OF_STREAMS
from qfl.models.policies import EXCHANGE_POLICIES
from qfl.study import Study, run
from qfl.study.assemble import play
from qfl.study.grid import cells, pairing_key
from qfl.study.streaming import changes, undivided

SYNTHETIC = {
    "name": "synthetic",
    "clients": 4,
    "groups": 1,
    "patterns": 1,
    "samples_per_client": 40,
    "test_samples": 60,
}
STRATEGIES = ("naive", "replay", "regularised", "joint", "fresh")
TASKS = {"kind": "tasks", "tasks": ["task_1", "task_0"], "strategy": "naive"}
HEADLINE = {"metric": "forgetting", "method": "replay", "baseline": "naive"}
LONE = [{"label": "random", "solver": "random"}]
ALONE = {"metric": "continual_score", "method": "random", "baseline": "random"}
FEDERATION = {
    "algorithm": "fedavg",
    "rounds": 4,
    "clients_per_round": 2,
    "epochs": 1,
    "model_width": 4,
}


def study(**changes):
    plain = {
        "name": "stages",
        "title": "Stages",
        "question": "What is left?",
        "hypothesis": "Little.",
        "seeds": 1,
        "scenario": SYNTHETIC,
        "federation": FEDERATION,
        "selection": {"problem": "client_selection", "redundancy": 0.0},
        "channel": {"name": "plain"},
        "stream": TASKS,
        "methods": [
            {"label": name, "solver": "random", "stream": {"strategy": name}} for name in STRATEGIES
        ],
        "headline": HEADLINE,
    }
    return Study(**{**plain, **changes})


def broken(**changes):
    with pytest.raises(StudyError) as caught:
        study(**changes)
    return dict(caught.value.issues)


def test_every_strategy_is_a_cell_and_the_cells_are_paired():
    grid = cells(study())
    assert [cell.stream["strategy"] for cell in grid] == list(STRATEGIES)
    assert [cell.stream.get("memory") for cell in grid] == [None, 50, None, None, None]
    assert {cell.stream["stages"] for cell in grid} == {2}
    assert len({pairing_key(cell) for cell in grid}) == 1
    assert len({cell.id for cell in grid}) == 5


def test_methods_that_meet_other_stages_are_not_paired():
    methods = [
        {"label": "naive", "solver": "random"},
        {"label": "replay", "solver": "random", "stream": {"strategy": "replay"}},
        {"label": "noisy", "solver": "random", "stream": {"strategy": "replay", "strength": 2.0}},
    ]
    grid = cells(study(methods=methods, stream={"kind": "noise", "strategy": "naive", "stages": 2}))
    naive, replay, noisy = map(pairing_key, grid)
    assert naive == replay != noisy
    assert changes(grid[1].stream) == changes(grid[0].stream)
    assert "memory" not in changes(grid[1].stream)


@pytest.mark.parametrize("channel", ["plain", "sealed"])
def test_cells_go_through_stages(channel):
    """Keys too: every stage founds a channel of its own, and tying weights exchanges them again."""
    exchanged = {}
    for cell in cells(study(channel={"name": channel})):
        records = list(play(cell))
        assert [record.round for record in records] == [0, 1, 2, 3, 4]
        assert all("score.on_stage@2" in record.metrics for record in records)
        assert set(OF_STREAMS) & set(records[-1].metrics)
        assert "shapley" in " ".join(records[-1].metrics)
        exchanged[cell.stream["strategy"]] = [len(record.links) for record in records]
    assert exchanged["naive"] == [0, 2, 2, 2, 2]
    assert exchanged["regularised"] == [0, 2, 6, 2, 2]


def test_seasons_are_swept_and_masked_sums_go_through_them():
    swept = study(
        stream={"kind": "noise", "strategy": "naive", "stages": 2},
        sweep={"stream.kind": ["noise", "modalities"]},
        channel={"name": "masked", "smallest": 2},
        selection={"problem": "client_selection", "redundancy": 0.0, "loss": 0.0},
    )
    grid = cells(swept)
    assert len(grid) == 10
    assert [cell.labels["kind"] for cell in grid] == ["noise"] * 5 + ["modalities"] * 5
    for cell in grid[::4]:
        assert len(list(play(cell))) == 5


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (
            {"stream": {**TASKS, "strategy": "replays"}},
            "stream.strategy",
            "unknown strategy 'replays' (did you mean 'replay'?)",
        ),
        (
            {"stream": {**TASKS, "tasks": ["task_1", "task_9"]}},
            "stream.tasks",
            "unknown task 'task_9' (did you mean 'task_3'?); allowed: task_0, task_1, ",
        ),
        (
            {"stream": {"kind": "labels", "task": "tsk", "strategy": "naive", "stages": 2}},
            "stream.task",
            "unknown task 'tsk'",
        ),
        ({"stream": {**TASKS, "kind": "months"}}, "stream.kind", "'noise'"),
        ({"stream": {**TASKS, "stages": 3}}, "stream", "name one task for each stage"),
        (
            {"federation": {"algorithm": "fedavg", "rounds": 5, "clients_per_round": 2}},
            "stream.rounds",
            "5 rounds cannot be divided among 2 stages; take a multiple of 2",
        ),
        (
            {"stream": {**TASKS, "rounds": [4, 0]}},
            "stream",
            "rounds [4, 0] of 2 stages; allowed: one number of at least 1 for each stage",
        ),
        (
            {"stream": {**TASKS, "rounds": [2, 3]}},
            "stream.rounds",
            "that add up to federation.rounds = 4",
        ),
        (
            {"privacy": {"mechanism": "central"}},
            "stream.strategy",
            "every stage is priced as a federation of its own",
        ),
        (
            {"adversary": {"attack": "sign_flip", "corrupted": 1}},
            "stream.strategy",
            "liars are drawn once",
        ),
        (
            {"forget": {"method": "retrain", "task": "task_1", "round": 3}},
            "stream.strategy",
            "leave [forget] or [stream] out",
        ),
        (
            {"federation": {"algorithm": "local", "rounds": 4, "clients_per_round": 4}},
            "federation.algorithm",
            "local keeps more than the modules that go from stage to stage",
        ),
        (
            {"federation": {"algorithm": "fedprox", "rounds": 4, "clients_per_round": 4}},
            "methods.regularised.federation.algorithm",
            "the pull of regularised takes the place of what fedprox adds",
        ),
        ({"headline": HEADLINE | {"metric": "score@personal"}}, "headline.metric", "unknown"),
        ({"headline": HEADLINE | {"metric": "forget_gap"}}, "headline.metric", "unknown metric"),
    ],
)
def test_what_cannot_be_combined_is_refused_with_the_alternative(changes, key, message):
    assert message in broken(**changes)[key]


PERSONAL = ALONE | {"metric": "continual_score@personal"}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("exchange", sorted(EXCHANGE_POLICIES))
def test_what_heads_a_study_is_of_a_model_that_somebody_uses(exchange, strategy):
    """A server's model with heads that stay at home would have the untrained ones."""
    at_home = any(p.placement == "local" for p in EXCHANGE_POLICIES[exchange].policies)
    if exchange in ("fedper", "fedbn"):
        assert at_home
    asked = {"stream": {**TASKS, "strategy": strategy}, "methods": LONE}
    settings = {**FEDERATION, "exchange": exchange, "model": "tiny"}
    assert study(federation=settings, headline=PERSONAL, **asked).headline.metric in OF_CLIENTS
    for metric in ("continual_score", "task_1.accuracy"):
        headline = ALONE | {"metric": metric}
        if not at_home:
            study(federation=settings, headline=headline, **asked)
            continue
        [(key, message)] = broken(federation=settings, headline=headline, **asked).items()
        assert key == "headline.metric"
        assert message.startswith(
            f"clients keep modules at home, and {metric} is of the server's model, which nobody "
            "would use; take continual_score@personal, "
        )


def test_texts_and_a_headline_that_are_wrong_hide_nothing_of_the_stream():
    stream = {**TASKS, "tasks": ["task_9", "task_0"]}
    found = broken(title=None, hypothesis=3, headline={"metric": "digit"}, stream=stream)
    assert {"title", "hypothesis", "headline.method", "stream.tasks"} <= found.keys()
    assert "unknown task 'task_9'" in found["stream.tasks"]
    assert "stream.tasks" not in broken(stream=stream, scenario={**SYNTHETIC, "clients": "x"})


def test_what_stays_at_home_is_read_off_modules_that_are_there():
    """With every head back at the server, nothing is left at home."""
    back = {"head:*": {"placement": "global"}}
    settings = {**FEDERATION, "exchange": "fedper", "modules": back}
    assert study(federation=settings, headline=ALONE, methods=LONE).federation["modules"] == back
    [(key, message)] = broken(federation={**FEDERATION, "exchange": "fedbn"}).items()
    assert key == "federation"
    assert "model 'pooled' has none" in message


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_single_modules_that_stay_at_home_ask_for_the_same(strategy):
    asked = {"stream": {**TASKS, "strategy": strategy}, "methods": LONE}
    for placement in ("global", "frozen", "local"):
        placed = {"head:*": {"placement": placement}, "encoder:*": {"codec": "int8"}}
        own = {**FEDERATION, "modules": placed}
        study(federation=own, headline=PERSONAL, **asked)
        if placement == "local":
            assert broken(federation=own, headline=ALONE, **asked).keys() == {"headline.metric"}
        else:
            study(federation=own, headline=ALONE, **asked)


def test_personal_models_go_through_stages_beside_the_servers():
    """Both are scored: the server's on all test samples, each client's own on its own."""
    own = {**FEDERATION, "algorithm": "ditto"}
    methods = [{"label": n, "solver": "random", "stream": {"strategy": n}} for n in STRATEGIES]
    methods = [m for m in methods if m["label"] != "regularised"]  # its pull takes ditto's place
    for cell in cells(study(federation=own, methods=methods)):
        records = list(play(cell))
        assert all("score.on_stage@1" in record.metrics for record in records)
        assert set(OF_CLIENTS) & records[-1].metrics.keys()
        assert records[-1].staleness.homes


@pytest.mark.parametrize(
    "changes", [{"exchange": "fedper"}, {"modules": {"encoder:*": {"placement": "local"}}}]
)
def test_cells_whose_clients_keep_modules_go_through_stages(changes):
    """The server's model is not scored, every client's own is."""
    own = {**FEDERATION, **changes}
    for cell in cells(study(federation=own, headline=HEADLINE | {"metric": OF_CLIENTS[0]})):
        records = list(play(cell))
        assert not any("on_stage" in name for record in records for name in record.metrics)
        assert all("score.on_stage@1" in own for own in records[-1].client_metrics.values())
        assert OF_CLIENTS[0] in records[-1].metrics or cell.stream["strategy"] == "fresh"
        assert not {"continual_score", "forgetting"} & records[-1].metrics.keys()


CLUSTERS = (
    "every stage founds a federation of its own, with one copy of every module; leave [stream] "
    'out, or else [clusters] and every placement = "cluster"'
)


@pytest.mark.parametrize("placement", ["global", "cluster"])
@pytest.mark.parametrize("clusters", [{"by": "loss"}, {"by": "declared", "attribute": "group"}])
def test_clusters_beside_a_stream_get_one_piece_of_advice_that_works(clusters, placement):
    placed = {**FEDERATION, "modules": {"head:*": {"placement": placement}}}
    asked = {"methods": LONE, "headline": ALONE}
    assert broken(clusters=clusters, federation=placed, **asked) == {"stream.strategy": CLUSTERS}
    study(**asked)  # without [clusters] and the placement
    if placement == "cluster":
        headline = ALONE | {"metric": "score@personal"}
        study(clusters=clusters, federation=placed, stream={}, methods=LONE, headline=headline)


@pytest.mark.parametrize("clusters", [{}, {"by": "none"}])
def test_placed_modules_beside_a_stream_are_not_sent_to_find_clusters(clusters):
    placed = {**FEDERATION, "modules": {"head:*": {"placement": "cluster"}}}
    found = broken(clusters=clusters, federation=placed, methods=LONE, headline=ALONE)
    assert found == {
        "federation.modules.head:*.placement": "every cluster has its own copy of head:*, and "
        "every stage founds a federation with one copy of every module; take global, local or "
        "frozen, or leave [stream] out"
    }


@pytest.mark.parametrize("own", [False, True])
def test_a_wrong_value_is_the_only_error(own):
    """What heads the study is recorded, once the stream is right."""
    wrong = {**TASKS, "strategy": "replay", "memory": -1}
    methods = [{**LONE[0], "stream": {"memory": -1}}] if own else LONE
    given = {**TASKS, "strategy": "replay"} if own else wrong
    found = broken(stream=given, methods=methods, headline=ALONE)
    assert len(found) == 1
    [key] = found
    assert key.startswith("methods.random.stream" if own else "stream")
    headline = ALONE | {"metric": "score@personally"}
    found = broken(stream=given, methods=methods, headline=headline)
    assert "unknown metric 'score@personally'" in found["headline.metric"]


def test_a_memory_below_the_stages_is_refused_with_the_least():
    many = {"kind": "noise", "strategy": "naive", "stages": 4}
    small = [
        {"label": "naive", "solver": "random"},
        {"label": "replay", "solver": "random", "stream": {"strategy": "replay", "memory": 2}},
    ]
    found = broken(stream=many, methods=small)
    assert "take memory >= 3, or fewer stages" in found["methods.replay.stream.memory"]


def test_streams_head_only_a_study_with_stages_and_none_of_decisions():
    headline = {"metric": "forgetting", "method": "random", "baseline": "random"}
    found = broken(stream={}, methods=LONE, headline=headline)
    assert "unknown metric 'forgetting'" in found["headline.metric"]
    found = broken(decision={"problem": "client_selection"}, methods=LONE)
    assert "trains nobody" in found["stream"]


def test_stages_that_the_data_cannot_fill_are_found_before_anybody_trains(tmp_path):
    fits = {"kind": "labels", "task": "task_3", "strategy": "naive", "stages": 2}
    fits["dirichlet_alpha"] = 10.0
    assert undivided(cells(study(stream=fits, seeds=2))) == []
    few = {**SYNTHETIC, "classes": 3}
    asked = {"kind": "classes", "task": "task_3", "strategy": "naive", "stages": 4}
    [issue] = undivided(cells(study(stream=asked, scenario=few, seeds=2)))
    assert issue.key == "stream.kind"
    assert issue.message == (
        "3 classes of 'task_3' cannot come in 4 groups; take fewer stages (seed 0, 1)"
    )
    with pytest.raises(StudyError, match="cannot come in 4 groups"):
        list(run(study(stream=asked, scenario=few), out=tmp_path / "run", jobs=1))
    assert not (tmp_path / "run" / "cells.jsonl").exists()
    number = {"kind": "labels", "task": "task_0", "strategy": "naive", "stages": 2}
    [issue] = undivided(cells(study(stream=number)))
    assert "unknown task with classes 'task_0'" in issue.message
