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
    with pytest.raises(ConfigError, match=r"lower min_size \(min_samples of a scenario\) or the"):
        Digits(clients=100).build(Streams(0))
    with pytest.raises(ConfigError, match="at least 2 clients"):
        Digits(clients=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dirichlet_alpha": 0.0}, "dirichlet_alpha must be above 0, got 0.0"),
        ({"noise": -1.0}, "noise must be at least 0, got -1.0"),
        ({"test_fraction": 1.0}, "test_fraction must be above 0 and below 1, got 1.0"),
        ({"min_samples": 0}, "min_samples must be at least 1, got 0"),
        ({"missing": (0.6, 0.6)}, r"missing, .* got \(0.6, 0.6\)"),
    ],
)
def test_what_cannot_be_is_refused_before_data_is_loaded(options, message):
    with pytest.raises(ConfigError, match=message):
        Digits(**options)


def test_a_fraction_that_leaves_a_client_without_tests_is_named():
    with pytest.raises(ConfigError, match=r"local_test_fraction 0.001 of the \d+ samples"):
        Digits(local_test_fraction=0.001).build(Streams(0))


def test_the_registry_knows_it():
    assert SCENARIOS.resolve("digits") is Digits


def test_halves_are_the_upper_and_the_lower_rows_of_the_picture():
    whole, halves = (Digits(views=v).dataset().samples.inputs for v in ("profile", "halves"))
    joined = np.concatenate([halves["upper"], halves["lower"]], axis=1)
    np.testing.assert_array_equal(joined, whole["image"])


def test_noise_is_drawn_per_seed_and_leaves_targets_alone():
    first, again, other = (
        Digits(noise=0.3, held="everything").build(Streams(seed)) for seed in (1, 1, 2)
    )
    clean = Digits(held="everything").build(Streams(1))
    image = first.test.inputs["image"]
    np.testing.assert_array_equal(image, again.test.inputs["image"])
    assert np.std(image - clean.test.inputs["image"]) == pytest.approx(0.3, rel=0.05)
    np.testing.assert_array_equal(first.test.targets["slant"], clean.test.targets["slant"])
    shared = np.intersect1d(first.test.ids, other.test.ids)
    left, right = (np.isin(one.test.ids, shared) for one in (first, other))
    assert not np.allclose(image[left], other.test.inputs["image"][right])


def test_public_samples_are_taken_from_nobody_else():
    plain = Digits(held="everything").build(Streams(3))
    population = Digits(held="everything", public_samples=300).build(Streams(3))
    held = [ids for c in population.clients for ids in (*c.train.ids, *c.test.ids)]
    assert len(population.public) == 300
    assert plain.public is None
    assert not set(population.public.ids) & {*held, *population.test.ids}
    assert set(population.test.ids) == set(plain.test.ids)
    with pytest.raises(ConfigError, match=r"public_samples must lie in 0\.\.1437"):
        Digits(public_samples=1438).build(Streams(3))


def test_missing_modalities_are_stated():
    options = {"views": "halves", "held": "everything", "missing": 0.5}
    for mechanism in ("random", "class", "client"):
        facts = Digits(missing_mechanism=mechanism, **options).build(Streams(0)).facts
        assert facts["missing_upper"] + facts["missing_lower"] == pytest.approx(0.5, abs=1e-3)
        assert facts["missing_upper"] == pytest.approx(facts["missing_lower"], abs=2e-3)
    with pytest.raises(ConfigError, match="let clients hold all modalities"):
        Digits(missing=0.5).build(Streams(0))
