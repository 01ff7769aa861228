"""Which modalities are shown when a model is measured, and on which samples."""

import numpy as np
import pytest
import torch

from qfl.core.metrics import metric
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.evaluate import (
    evaluate,
    evaluate_by_modality,
    metric_names,
    over_clients,
    shown_subsets,
)
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture

TASKS = (Task("digit", "classification", 3), Task("slant", "regression", 1))
MODALITIES = tuple(Modality(name, (16,)) for name in ("image", "audio", "tilt", "touch"))


def samples(modalities, n=40, **masks):
    rng = np.random.default_rng(0)
    inputs = {m.name: rng.normal(size=(n, 16)).astype(np.float32) for m in modalities}
    targets = {
        "digit": rng.integers(0, 3, n),
        "slant": rng.normal(size=n).astype(np.float32),
    }
    return TensorSamples.of(Samples(np.arange(n), inputs, targets, masks))


def trained(model):
    """Weights that answer something: heads begin at zero."""
    rng = np.random.default_rng(1)
    state = model.initial_state(Streams(0))
    for tensors in state.values():
        for name, tensor in tensors.items():
            noise = rng.normal(size=tensor.shape).astype(np.float32)
            tensors[name] = tensor + 0.3 * torch.from_numpy(noise)
    return state


def parts_of(names, measure="digit.accuracy"):
    return {name.partition("@")[2] for name in names if name.startswith(f"{measure}@")}


def test_up_to_three_modalities_every_subset_is_shown():
    assert shown_subsets(["a"]) == []
    assert shown_subsets(["a", "b"]) == [("a",), ("b",)]
    assert shown_subsets("abc") == [*map(tuple, ("a", "b", "c", "ab", "ac", "bc"))]


def test_of_more_modalities_each_alone_and_each_left_out():
    assert len(shown_subsets([f"m{k}" for k in range(60)])) == 120
    assert shown_subsets("abcd") == [*map(tuple, ("a", "b", "c", "d", "abc", "abd", "acd", "bcd"))]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_records_hold_exactly_the_metrics_that_are_announced(count):
    model = architecture(MODALITIES[:count], TASKS, 8)
    found = evaluate_by_modality(model, trained(model), samples(MODALITIES[:count]), TASKS)
    clients = over_clients([evaluate(model, trained(model), samples(MODALITIES[:count]), TASKS)])
    assert found["score"] == (found["digit.accuracy"] + found["slant.r2"]) / 2
    assert found.keys() | clients.keys() == set(metric_names(TASKS, MODALITIES[:count]))
    assert len(parts_of(found)) == (0, 2, 6, 8)[count - 1]


def test_a_subset_is_what_the_model_says_of_it_alone():
    model = architecture(MODALITIES[:3], TASKS, 8)
    state, given = trained(model), samples(MODALITIES[:3])
    found = evaluate_by_modality(model, state, given, TASKS)
    part = {name: given.inputs[name] for name in ("image", "tilt")}
    expected = evaluate(model, state, TensorSamples(part, given.targets), TASKS)
    assert found["digit.accuracy@image+tilt"] == expected["digit.accuracy"]
    assert found["slant.r2@image+tilt"] == expected["slant.r2"]
    assert found["slant.r2@image+tilt"] != found["slant.r2"]


def test_a_subset_is_measured_on_the_samples_that_have_all_of_it():
    place = np.arange(40)
    given = samples(MODALITIES[:3], image=place % 2 == 0, tilt=place % 4 < 2)
    model = architecture(MODALITIES[:3], TASKS, 8)
    state = trained(model)
    having = given.take(torch.from_numpy(np.flatnonzero(place % 4 == 0)))
    part = {name: having.inputs[name] for name in ("image", "tilt")}
    expected = evaluate(model, state, TensorSamples(part, having.targets), TASKS)
    found = evaluate_by_modality(model, state, given, TASKS)
    assert found["slant.r2@image+tilt"] == pytest.approx(expected["slant.r2"])


def test_a_subset_that_no_sample_has_is_left_out():
    place = np.arange(40)
    given = samples(MODALITIES[:3], image=place % 2 == 0, tilt=place % 2 == 1)
    model = architecture(MODALITIES[:3], TASKS, 8)
    found = evaluate_by_modality(model, trained(model), given, TASKS)
    assert "digit.accuracy@image+audio" in found
    assert "digit.accuracy@image+tilt" not in found


def test_the_score_is_the_mean_over_tasks_and_that_of_clients_over_the_tasks_means():
    """A client with one task counts in that task alone."""
    clients = [
        {"digit.accuracy": 0.9, "slant.r2": 0.1, "slant.mae": 5.0},
        {"digit.accuracy": 0.5},
        {"digit.accuracy": 0.4, "slant.r2": 0.5, "slant.mae": 1.0},
    ]
    found = over_clients(clients)
    assert found["digit.accuracy@personal"] == pytest.approx(0.6)
    assert found["score@personal"] == pytest.approx((0.6 + 0.3) / 2)
    assert found["score@worst client"] == pytest.approx(0.45)
    assert not any("mae" in name for name in found)
    assert over_clients([{"slant.mae": 1.0}]) == {}


def test_labels_name_what_was_shown():
    assert metric("digit.accuracy@image").label == "digit accuracy, image alone"
    assert metric("score@personal").label == "score, personal models"
    assert metric("digit.accuracy@image+tilt").label == "digit accuracy, image and tilt alone"
