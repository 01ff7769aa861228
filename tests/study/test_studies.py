"""The studies that come with the repository: readable, runnable, the same through either door."""

import ast
import runpy
from pathlib import Path

import pytest

from qfl.backends.practice import SWITCHES
from qfl.cli.studies import packaged
from qfl.core.arrays import canonical_json
from qfl.core.errors import StudyError
from qfl.core.rng import Streams
from qfl.data.catalog import folder
from qfl.federation.plan import Schedule
from qfl.models.m3t import architecture
from qfl.study import Study, cells
from qfl.study.options import build, build_row

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "studies").glob("*.py"))
FETCHED = {"av_digits": ("fsdd", "mnist")}
"""Scenarios whose cells are named by the hash of data that must be fetched."""
FILES = sorted((ROOT / "studies").glob("*.toml"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_states_its_question_and_is_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    docstring = ast.get_docstring(ast.parse(text))
    assert "?" in docstring
    assert "Hypothesis" in docstring
    assert 'if __name__ == "__main__":' in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_study_has_a_smoke_and_a_paper_profile(path):
    study = Study.load(path)
    assert study.question.endswith("?")
    assert study.hypothesis
    assert set(study.profiles) >= {"smoke", "paper"}
    assert len(study.with_overrides("smoke").seeds) == 2


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_both_doors_of_a_study_lead_to_the_same_cells(path):
    script = runpy.run_path(str(path))["study"]
    file = Study.load(path.with_suffix(".toml"))
    assert script == file
    for part in FETCHED.get(file.scenario.get("name"), ()):
        if not folder(part):
            pytest.skip(f"{part} is not on this machine; qfl data fetch {part}")
    script, file = (study.with_overrides("smoke") for study in (script, file))
    assert [cell.id for cell in cells(script)] == [cell.id for cell in cells(file)]


def test_the_study_that_ships_is_the_one_in_the_repository():
    assert packaged("selection").read_text() == (ROOT / "studies/selection.toml").read_text()


def test_the_quality_study_is_fair():
    """Equal samples but for the searches at equal time, twenty instances or more, and none that
    transfer angles were made from."""
    study = Study.load(ROOT / "studies/qaoa_quality.toml")
    assert len(study.seeds) >= 20
    assert min(study.seeds) >= 1000
    budgets = {
        m["label"]: m.get("shots", m.get("evaluations", m.get("reads"))) for m in study.methods
    }
    budgets["decompose"] = study.methods[-1]["inner_options"]["shots"]
    free = {"top_k", "greedy", "greedy_one_swap", "relaxation", "exact", "milp"}
    assert {label for label, budget in budgets.items() if budget is None} == free
    assert {label for label, budget in budgets.items() if budget == 1000} == {
        "annealing_long",
        "tabu_long",
    }
    assert set(budgets.values()) == {32, 1000, None}
    assert {key.rpartition(".")[2] for key in study.sweep} == {"clients", "choose", "depth"}


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("backend_gap*.toml")))
def test_one_line_more_runs_the_gap_studies_on_a_device(path, tmp_path):
    text = path.read_text()
    device = "fez" if "practice" in path.name else "boston"
    (line,) = (line for line in text.splitlines() if f"ibm:ibm_{device}" in line)
    more = tmp_path / path.name
    more.write_text(text.replace(line, line.removeprefix("# ")))
    study = Study.load(more)
    devices = [cell for cell in cells(study) if cell.labels.get("backend") == f"ibm:ibm_{device}"]
    snapshots = [
        cell for cell in cells(study) if cell.labels.get("backend") == f"aer:fake_{device}"
    ]
    assert len(devices) == len(snapshots) >= len(study.seeds)
    assert study.with_overrides("smoke")


def test_the_gap_studies_have_what_an_interval_needs():
    for path in sorted((ROOT / "studies").glob("backend_gap*.toml")):
        study = Study.load(path)
        labels = {method["label"] for method in study.methods}
        assert len(study.seeds) >= 5
        devices = {"fez_fractional"} if "practice" in path.name else {"boston", "model_boston"}
        assert {"random", "ideal", "fez", *devices} <= labels
    assert {"fez_readout", "fez_post_selection", "fez_zero_noise"} <= {
        method["label"] for method in Study.load(ROOT / "studies/backend_gap.toml").methods
    }


def test_six_to_twelve_clients_are_compared_by_default():
    gap = Study.load(ROOT / "studies/backend_gap.toml")
    assert gap.sweep["decision.clients"] == (6, 8, 10, 12)
    assert len(cells(gap)) == 384
    practice = Study.load(ROOT / "studies/backend_gap_practice.toml", "twelve")
    assert practice.sweep["decision.clients"] == (6, 8, 10, 12)


def test_the_practice_study_has_a_method_for_every_switch_alone():
    """Each is paired in the report with the same method without it."""
    study = Study.load(ROOT / "studies/backend_gap_practice.toml")
    given = {m["label"]: m.get("backend_options", {}) for m in study.methods}
    plain = given["fez"]
    changed = {
        label: {key for key in options if options[key] != plain.get(key)}
        for label, options in given.items()
        if label.startswith("fez") and "backend" not in options
    }
    alone = {frozenset(keys) for keys in changed.values() if len(keys) == 1}
    assert {key for keys in alone for key in keys} >= set(SWITCHES) - {
        *("level", "drift_hz", "dynamical_decoupling")  # the last two act beside idle errors
    }
    assert changed["fez_drift"] - changed["fez_idle"] == {"drift_hz"}
    for label in ("fez_idle", "fez_drift"):
        assert changed[f"{label}_decoupled"] - changed[label] == {"dynamical_decoupling"}
    wrapped = {m.get("backend") for m in study.methods}
    assert {f"mitigation:{name}" for name in ("readout", "post_selection", "zero_noise")} <= wrapped


def test_the_selection_study_compares_what_it_promises():
    study = Study.load(packaged("selection"))
    labels = {method["label"] for method in study.methods}
    assert labels == {
        "random", "random_best", "greedy", "annealing", "exact", "qaoa", "qaoa_noisy"
    }  # fmt: skip
    assert (study.scenario["clients"], study.federation["clients_per_round"]) == (16, 4)
    assert len(study.seeds) >= 6
    assert study.federation["eavesdropped_round"] == 5
    by_label = {method["label"]: method for method in study.methods}
    assert by_label["qaoa"]["shots"] == by_label["random_best"]["shots"] == 24


def test_the_tap_study_compares_what_it_promises():
    study = Study.load(ROOT / "studies/tap.toml")
    algorithms = {m.get("federation", {}).get("algorithm", "fedavg") for m in study.methods}
    exchanges = {m.get("federation", {}).get("exchange", "full") for m in study.methods}
    assert algorithms >= {
        *("local", "centralised", "fedavg", "fedavg_local", "fedprox", "scaffold", "fedadam"),
        *("ditto", "disentangle", "tap"),
    }
    assert exchanges == {"full", "fedbn", "fedper"}
    assert len(study.seeds) >= 6
    assert len(study.sweep["methods.tap_margin.federation.margin"]) >= 5
    by_label = {m["label"]: m.get("federation", {}) for m in study.methods}
    assert by_label["tap_no_distillation"]["distillation"] == 0
    assert by_label["tap_no_stage_1"]["replace"] is False
    assert by_label["tap_stale"]["rule"] == "training"


def test_the_longer_tap_study_changes_how_long_and_how_unequal_and_nothing_else():
    study, before = (Study.load(ROOT / f"studies/{name}.toml") for name in ("tap_longer", "tap"))
    horizon = {"rounds": 30, "clients_per_round": 10}
    assert study.federation == {**before.federation, **horizon}
    assert study.scenario == before.scenario
    assert study.sweep == {"scenario.dirichlet_alpha": (0.1, 100.0)}
    times = 30 * 10 / build_row("scenario", study.scenario).clients
    assert times >= 10
    assert len(study.seeds) >= 7  # two comparisons
    assert not set(study.seeds) & set(before.seeds)
    ours, theirs = ({m["label"]: m for m in each.methods} for each in (study, before))
    for label in ("local", "fedavg", "fedavg_local", "tap"):
        assert ours[label] == theirs[label]
    tap = ours["tap"]["federation"]
    assert ours["tap_tenth"]["federation"] == {**tap, "validation_fraction": 0.1}
    stale = {**tap, "rule": "training"}
    del stale["validation_fraction"]
    assert ours["tap_stale"]["federation"] == stale


def test_the_pairs_study_has_equal_data_per_pair_and_equal_models():
    study = Study.load(ROOT / "studies/tap_pairs.toml")
    counts = study.sweep["scenario.pairs"]
    assert len(counts) >= 4
    scenarios = {cell.labels["pairs"]: cell.scenario for cell in cells(study)}
    for count in counts:
        population = build_row("scenario", scenarios[str(count)]).build(Streams(0))
        held: dict[str, int] = {}
        for client in population.clients:
            [modality], [task] = client.modalities, client.tasks
            pair = f"{modality.name} {task.name}"
            held[pair] = held.get(pair, 0) + len(client.train) + len(client.test)
        assert len(held) == count
        assert set(held.values()) == {study.scenario["samples_per_pair"]}
        assert (len(population.modalities), len(population.tasks)) == (3, 4)


SMALL_MODELS = ("tap", "tap_longer", "tap_pairs", "tap_selection", "missing_modality")
SMALL_MODELS += ("missing_modality_parts", "missing_modality_selection")


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_the_studies_of_modalities_and_tasks_learn_for_real(name):
    """.05 to 1 million numbers to train (48,411 where TAP is studied: .05 to two digits), ten
    clients or more, and pairs enough for an interval."""
    study = Study.load(ROOT / f"studies/{name}.toml")
    assert len(study.seeds) >= 5
    schedule = build(Schedule, study.federation)
    for scenario in {
        canonical_json(cell.scenario): cell.scenario for cell in cells(study)
    }.values():
        population = build_row("scenario", scenario).build(Streams(study.seeds[0]))
        assert len(population.clients) >= 10
        model = architecture(population.modalities, population.tasks, schedule.recipe)
        millions = model.parameters_of(*model.module_ids) / 1e6
        assert 0.05 <= round(millions, 2) <= 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("federation.epochs", 0),
        ("federation.epochs", -1),
        ("federation.batch_size", 0),
        ("federation.learning_rate", -0.1),
        ("federation.clip_norm", 0.0),
        ("federation.circuit_layers", 0),
        ("federation.qubits", 40),
        ("selection.loss", -1.0),
        ("scenario.noise", -1.0),
        ("scenario.dirichlet_alpha", 0.0),
        ("scenario.local_test_fraction", 1.0),
        ("scenario.missing", 1.5),
        ("scenario.modalities", 26),
        ("scenario.samples_per_client", 10**9),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_before_anything_runs(key, value):
    model = {"federation.model": "tiny"} if key.endswith(("qubits", "circuit_layers")) else {}
    section, _, option = key.partition(".")
    with pytest.raises(StudyError) as refused:
        Study.load(ROOT / "studies/tap.toml", overrides={key: value, **model})
    assert any(
        where.startswith(section) and option in message and str(value) in message
        for where, message in refused.value.issues
    )
