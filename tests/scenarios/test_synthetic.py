"""Groups, patterns and pairs come out as asked; every axis moves alone."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.models.m3t import architecture
from qfl.scenarios import SCENARIOS
from qfl.scenarios.synthetic import Synthetic

PAIRED = {"clients": 24, "groups": 1}


def held(client):
    return tuple(m.name for m in client.modalities), tuple(t.name for t in client.tasks)


def pairs(population):
    """Training and local test samples of every pair of a modality and a task."""
    found = Counter()
    for client in population.clients:
        for pair in product(*held(client)):
            found[pair] += len(client.train) + len(client.test)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_no_test_sample_is_in_any_training_set(seed):
    population = Synthetic().build(Streams(seed))
    everyone = [population.test.ids]
    for client in population.clients:
        everyone += [client.train.ids, client.test.ids]
    assert sum(map(len, everyone)) == len(set(np.concatenate(everyone))) == 30 * 60 + 600


def test_every_group_has_every_pattern_once_and_all_clients_equally_much():
    population = Synthetic().build(Streams(1))
    patterns = [held(client) for client in population.clients]
    assert len(set(patterns)) == 10
    for group in range(3):
        assert len(set(patterns[group::3])) == 10
    assert {(len(c.train), len(c.test)) for c in population.clients} == {(36, 24)}
    assert population.facts["size_gini"] == 0
    assert population.facts["fewest_holders_of_a_pair"] >= 3
    assert len(pairs(population)) == 12
    assert {task.kind for task in population.tasks} == {"classification", "regression"}


def test_the_clients_of_a_group_share_its_data():
    scenario = Synthetic()
    population, group = scenario.build(Streams(0)), scenario.dataset().groups["group"]
    for place, client in enumerate(population.clients):
        assert set(group[client.train.ids]) == {place % 3}
        assert client.attributes == {"group": str(place % 3)}
    assert scenario.outline().attributes == ("modalities", "tasks", "group")


@pytest.mark.parametrize("count", [4, 6, 8, 12])
def test_pairs_have_equal_data_and_the_model_equal_size(count):
    population = Synthetic(**PAIRED, pairs=count).build(Streams(0))
    found = pairs(population)
    assert len(found) == count
    assert set(found.values()) == {240}
    model = architecture(population.modalities, population.tasks, 32)
    assert model.weight_bytes == architecture(*_everything(), 32).weight_bytes
    modules = {
        module
        for client in population.clients
        for module in architecture(client.modalities, client.tasks, 32).module_ids
    }
    assert modules == set(model.module_ids)  # none without holders


def _everything():
    population = Synthetic().build(Streams(0))
    return population.modalities, population.tasks


def test_alpha_skews_classes_and_balance_evens_sizes():
    skew = {
        alpha: Synthetic(dirichlet_alpha=alpha).build(Streams(0)).facts["label_total_variation"]
        for alpha in (0.2, 100.0)
    }
    assert skew[0.2] > 0.4 > 0.2 > skew[100.0]
    unequal = Synthetic(balanced=False, dirichlet_alpha=0.5).build(Streams(0))
    assert unequal.facts["size_gini"] > 0.1


def test_the_axes_vary_separately():
    """Another draw of patterns leaves samples where they were, another skew the patterns."""
    plain = Synthetic().build(Streams(3))
    skewed = Synthetic(dirichlet_alpha=0.5).build(Streams(3))
    fewer = Synthetic(patterns=5).build(Streams(3))
    for a, b, c in zip(plain.clients, skewed.clients, fewer.clients, strict=True):
        assert held(a) == held(b)
        np.testing.assert_array_equal(a.train.ids, c.train.ids)
        assert a.device == b.device == c.device


def test_the_same_seed_builds_the_same_world_and_another_one_another():
    first, second, other = (Synthetic().build(Streams(seed)) for seed in (4, 4, 5))
    shown = [population.test.inputs["vector_0"] for population in (first, second, other)]
    np.testing.assert_array_equal(shown[0], shown[1])
    assert not np.array_equal(shown[0], shown[2])


def test_metrics_are_known_without_data():
    names = Synthetic(modalities=2, tasks=2).metrics()
    assert {"task_0.r2", "task_1.accuracy", "task_1.accuracy@imu_1"} <= set(names)
    assert "task_2.accuracy" not in names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clients": 31}, "multiple of 30"),
        ({"clients": 1, "groups": 1, "patterns": 1}, "at least 2"),
        ({"clients": 24, "groups": 1, "pairs": 5}, "multiple of 5 clients"),
        ({**PAIRED, "pairs": 12, "samples_per_pair": 31}, "multiple of 2"),
        ({"regressions": 4}, "at least one must ask"),
        ({"redundancy": 2.0}, "redundancy"),
        ({"groups": 0}, "groups must be at least 1"),
        ({"modalities": 26}, "modalities must be at least 1 and at most 8, got 26"),
        ({"tasks": 9}, "tasks must be at least 1 and at most 8, got 9"),
        ({"dirichlet_alpha": -1.0}, "dirichlet_alpha must be above 0, got -1.0"),
        ({"noise": -1.0}, "noise must be at least 0, got -1.0"),
        ({"missing": 1.5}, "missing, the share .* at most 1, got 1.5"),
        ({"samples_per_client": 2}, "samples_per_client 2 gives 30 clients 2 .* at least 5"),
        ({**PAIRED, "pairs": 6, "samples_per_pair": 4}, "samples_per_pair 4 gives 24 clients 1"),
        ({"samples_per_client": 10**9}, "at most 2000000 are drawn at once.* crowd"),
        ({"local_test_fraction": 1.0}, "local_test_fraction must be above 0 and below 1"),
        ({"local_test_fraction": 0.001}, "local_test_fraction 0.001 of 60 samples"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Synthetic(**options)


def test_too_few_pairs_leave_a_module_without_holders():
    with pytest.raises(ConfigError, match="allowed: 4"):
        Synthetic(**PAIRED, pairs=3).build(Streams(0))


def test_the_registry_knows_it():
    assert SCENARIOS.resolve("synthetic") is Synthetic


def test_samples_may_lack_a_modality_and_the_server_may_have_public_ones():
    whole = {"clients": 6, "groups": 1, "patterns": 1}
    plain = Synthetic(**whole).build(Streams(0))
    population = Synthetic(**whole, missing=0.5, public_samples=50).build(Streams(0))
    names = [m.name for m in population.modalities]
    assert sum(population.facts[f"missing_{name}"] for name in names) == pytest.approx(0.5)
    held = {i for c in population.clients for i in (*c.train.ids, *c.test.ids)}
    assert len(set(population.public.ids) - held - set(population.test.ids)) == 50
    np.testing.assert_array_equal(population.test.ids, plain.test.ids)
    with pytest.raises(ConfigError, match="let clients hold all modalities"):
        Synthetic(missing=0.5).build(Streams(0))
