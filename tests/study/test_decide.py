"""Studies of decisions: no federation, the same cells, the same run, the same guarantees."""

import pytest

from qfl.backends.estimate import PriceList
from qfl.core.cell import Cell
from qfl.core.errors import ProblemError, StudyError
from qfl.problems import draw
from qfl.study import RunFolder, Study, cells, pairing_key, run
from qfl.study.assemble import play
from qfl.study.forecast import forecast

QAOA = {"solver": "qaoa", "label": "qaoa", "shots": 8, "schedule": "transfer", "depth": 1}


def study(**changes):
    plain = {
        "name": "deciding",
        "title": "Deciding",
        "question": "?",
        "hypothesis": "!",
        "seeds": 2,
        "decision": {"problem": "client_selection", "clients": 6, "choose": 2},
        "methods": [{"solver": "greedy"}, {"solver": "random_best", "shots": 8}, QAOA],
        "headline": {"metric": "approximation_ratio", "method": "qaoa", "baseline": "greedy"},
    }
    return Study(**{**plain, **changes})


def test_a_cell_is_an_instance_and_a_solver_and_nothing_else():
    first, *_ = cells(study())
    assert first.identity() == {
        "schema": 1,
        "decision": {
            "problem": "client_selection",
            "repeats": 1,
            "clients": 6,
            "choose": 2,
            "redundancy_weight": 0.5,
            "cost_weight": 0.2,
            "label_skew": 0.3,
        },
        "solver": {"name": "greedy", "postprocess": "none"},
        "seed": 0,
    }
    assert Cell.from_identity(first.identity()).id == first.id


def test_all_methods_of_a_seed_meet_the_instance_that_anyone_can_draw():
    found = [cell for cell in cells(study()) if cell.seed == 1]
    assert len({pairing_key(cell) for cell in found}) == 1
    hashes = {record.choice.problem_hash for cell in found for record in play(cell)}
    assert hashes == {draw("client_selection", seed=1, clients=6, choose=2).hash}


def test_problems_sizes_depths_mixers_and_schedules_can_be_swept():
    sweep = {
        "decision.clients": [6, 7],
        "methods.qaoa.depth": [1, 2],
        "methods.qaoa.mixer": ["xy_complete", "grover"],
        "methods.qaoa.schedule": ["transfer", "linear_ramp"],
    }
    found = cells(study(seeds=1, sweep=sweep))
    assert len(found) == 2 * (2 + 2 * 2 * 2)
    last = dict(found[-1].labels)
    assert last == {
        "method": "qaoa",
        "clients": "7",
        "depth": "2",
        "mixer": "grover",
        "schedule": "linear_ramp",
    }
    graph = {"problem": "maxcut", "nodes": 6}
    [cell] = cells(
        study(
            decision=graph,
            methods=[{"solver": "greedy", "label": "qaoa"}],
            seeds=1,
            headline={"metric": "optimum_hit", "method": "qaoa", "baseline": "qaoa"},
        )
    )
    [record] = play(cell)
    assert 0.0 <= record.measured()["approximation_ratio"] <= 1.0


def test_repetitions_are_independent_decisions_of_one_instance():
    cell = next(
        c
        for c in cells(
            study(
                decision={"problem": "client_selection", "clients": 12, "choose": 4, "repeats": 6}
            )
        )
        if c.labels["method"] == "random_best"
    )
    records = list(play(cell))
    assert [record.round for record in records] == [1, 2, 3, 4, 5, 6]
    assert len({record.choice.problem_hash for record in records}) == 1
    assert len({record.choice.energy for record in records}) > 1


def test_a_run_stores_resumes_and_repeats(tmp_path):
    made = study()
    list(run(made, out=tmp_path / "a", chosen=cells(made)[:2]))
    list(run(made, out=tmp_path / "a"))
    list(run(made, out=tmp_path / "b"))
    contents = [
        {row.cell.id: row.content() for row in RunFolder(tmp_path / name).rows()} for name in "ab"
    ]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 6
    again = Study.load(tmp_path / "a" / "study.lock.toml")
    assert [cell.id for cell in cells(again)] == [cell.id for cell in cells(made)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channel": {"name": "plain"}}, r"channel: a study with \[decision\] trains nobody"),
        (
            {"headline": {"metric": "digit.accuracy", "method": "qaoa", "baseline": "greedy"}},
            r"headline.metric: unknown metric 'digit.accuracy'; allowed: approximation_ratio",
        ),
        ({"decision": {}}, r"scenario: missing; a study needs it, or \[decision\] alone"),
        ({"decision": {"problem": "maxcut", "clients": 3}}, "decision.clients: unknown key"),
        ({"decision": {"problem": "maxcut", "nodes": 6, "repeats": 0}}, "repeats must be >= 1"),
        ({"methods": [{**QAOA, "slots": {"solver": "exact"}}]}, "no shared uplink to schedule"),
        ({"sweep": {"decision.nodes": [4]}}, "sweep.decision.nodes: unknown key"),
        (
            {"decision": {"problem": "client_selection", "clients": 4, "choose": 9}},
            r"decision: choose must lie in 0\.\.4, got 9",
        ),
        (
            {"sweep": {"decision.clients": [6, 1]}},
            r"sweep.decision: choose must lie in 0\.\.1, got 2",
        ),
        ({"profiles": {"smoke": {"decision.choose": 7}}}, r"profiles.smoke.decision: choose must"),
    ],
)
def test_bad_studies_are_one_clear_message_each(changes, message):
    with pytest.raises(StudyError, match=message):
        study(**changes)


def test_an_instance_that_cannot_be_drawn_fails_with_its_reason(tmp_path, monkeypatch):
    def refuse(family, rng):
        raise ProblemError("no such instance")

    monkeypatch.setattr("qfl.problems.selection.ClientSelection.draw", refuse)
    list(run(study(seeds=1), out=tmp_path))
    assert {row.reason for row in RunFolder(tmp_path).rows()} == {"no such instance"}


def test_a_cell_is_rehearsed_once_before_it_is_timed(monkeypatch):
    heard = []
    monkeypatch.setattr("qfl.study.decide.rehearse", lambda *given: heard.append(given[2]))
    cell = cells(study(seeds=1))[-1]
    assert len(list(play(cell))) == 1
    assert heard == [cell.solver]


def test_a_method_whose_extra_is_missing_is_skipped_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("qfl.core.registry._found", lambda module: module != "dwave.samplers")
    made = study(methods=[{"solver": "dwave", "label": "qaoa", "reads": 2}, {"solver": "greedy"}])
    list(run(made, out=tmp_path))
    reasons = {row.status: row.reason for row in RunFolder(tmp_path).rows()}
    assert reasons["done"] == ""
    assert "solver 'dwave' needs the extra 'dwave'" in reasons["skipped"]


def test_repeated_decisions_on_a_machine_are_estimated():
    """The repetitions of an instance travel in one job, as wide as the instance."""
    machine = {
        **QAOA,
        "mixer": "xy_ring",
        "backend": "aer:fake_manila",
        "training_backend": "subspace",
    }
    decision = {"problem": "client_selection", "clients": 5, "choose": 2, "repeats": 3}
    made = study(decision=decision, methods=[{"solver": "greedy"}, machine])
    [(method, found)] = forecast(cells(made), PriceList.load())
    assert (method, found.jobs, found.circuits, found.qubits) == ("qaoa", 2, 6, 5)
