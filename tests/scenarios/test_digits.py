"""No leak: what the server tests on was never at a client, whatever the seed."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.scenarios import SCENARIOS
from qfl.scenarios.digits import Digits


@pytest.mark.parametrize("seed", range(6))
def test_no_test_sample_is_in_any_training_set(seed):
    population = Digits().build(Streams(seed))
    held_out = set(population.test.ids)
    training = [set(client.train.ids) for client in population.clients]
    local = [set(client.test.ids) for client in population.clients]
    everyone = [*training, *local, held_out]
    assert sum(map(len, everyone)) == len(set().union(*everyone)) == 1797
    assert len(held_out) == 359
    assert min(map(len, local)) >= 4


def test_ids_really_name_the_samples():
    """A leak test on ids proves nothing if ids and contents could drift apart."""
    population = Digits().build(Streams(2))
    images = Digits().dataset().samples.inputs["image"]
    for client in population.clients:
        if "image" in client.train.inputs:
            np.testing.assert_array_equal(client.train.inputs["image"], images[client.train.ids])


def test_labels_modalities_and_tasks_differ_between_clients():
    population = Digits().build(Streams(0))
    held = {(c.modalities, c.tasks) for c in population.clients}
    assert len(population.clients) == 16
    assert len(held) == 9
    assert population.facts["label_total_variation"] > 0.4
    for client in population.clients:
        assert set(client.train.inputs) == {m.name for m in client.modalities}
        assert set(client.train.targets) == {t.name for t in client.tasks}


def test_the_slant_is_standardised_on_training_samples_alone():
    population = Digits().build(Streams(1))
    seen = {}
    for client in population.clients:
        if "slant" in client.train.targets:
            seen |= dict(zip(client.train.ids, client.train.targets["slant"], strict=True))
    raw = Digits().dataset().samples.targets["slant"].astype(float)
    training = np.concatenate([c.train.ids for c in population.clients])
    mean, deviation = raw[training].mean(), raw[training].std()
    for sample, value in seen.items():
        assert value == pytest.approx((raw[sample] - mean) / deviation, abs=1e-5)


def test_the_same_seed_builds_the_same_world():
    first, second = (Digits().build(Streams(4)) for _ in range(2))
    for a, b in zip(first.clients, second.clients, strict=True):
        assert (a.train.ids == b.train.ids).all()
        assert (a.device, a.access, a.modalities) == (b.device, b.access, b.modalities)


def test_too_many_clients_is_one_clear_sentence():
    with pytest.raises(ConfigError, match="lower min_size or the number of clients"):
        Digits(clients=100).build(Streams(0))
    with pytest.raises(ConfigError, match="at least 2 clients"):
        Digits(clients=1)


def test_the_registry_knows_it():
    assert SCENARIOS.resolve("digits") is Digits
