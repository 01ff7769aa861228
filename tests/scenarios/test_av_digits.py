"""Speakers as clients, on made-up clips; on the real ones where they are at hand."""

import os

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.catalog import folder
from qfl.scenarios import SCENARIOS
from qfl.scenarios.av_digits import AvDigits

SMALL = {"train_samples": 300, "test_samples": 300, "min_samples": 5, "local_test_fraction": 0.2}


def build(seed=0, **options):
    return AvDigits(**{**SMALL, **options}).build(Streams(seed))


def speakers(samples):
    return set(samples.targets["speaker"])


@pytest.mark.parametrize("options", [{}, {"clients": 12}, {"clients": 5, "partition": "dirichlet"}])
def test_no_test_sample_is_in_any_training_set(made_up_av, options):
    for seed in range(3):
        population = build(seed, **options)
        everyone = [population.test.ids]
        for client in population.clients:
            everyone += [client.train.ids, client.test.ids]
        assert sum(map(len, everyone)) == len(set(np.concatenate(everyone))) == 600


def test_every_client_is_a_speaker_or_a_shard_of_one(made_up_av):
    six, twelve = build(), build(clients=12)
    assert [speakers(client.train) for client in six.clients] == [{k} for k in range(6)]
    assert [speakers(client.train) for client in twelve.clients] == [{k // 2} for k in range(12)]
    assert [c.attributes["speaker"] for c in twelve.clients] == [str(k // 2) for k in range(12)]
    assert AvDigits().outline().attributes == ("modalities", "tasks", "speaker")
    mixed = {"partition": "dirichlet", "clients": 5}
    assert all(client.attributes == {} for client in build(**mixed).clients)
    assert AvDigits(**mixed).outline().attributes == ("modalities", "tasks")
    assert six.facts["label_total_variation"] == 0
    assert twelve.facts["label_total_variation"] > 0.1
    assert six.facts["speaker_total_variation"] == pytest.approx(5 / 6)


def test_dirichlet_mixes_the_speakers_and_skews_digits_by_alpha(made_up_av):
    skew = [
        build(partition="dirichlet", clients=5, dirichlet_alpha=alpha).facts
        for alpha in (0.2, 100.0)
    ]
    assert skew[0]["label_total_variation"] > 2 * skew[1]["label_total_variation"]
    assert max(facts["speaker_total_variation"] for facts in skew) < 0.5


def test_modalities_and_tasks_are_dealt_out_as_asked(made_up_av):
    facts = build(availability="thirds", tasks_per_client=1).facts
    assert (facts["holders_of_audio"], facts["holders_of_image"]) == (4, 4)
    assert [facts[f"holders_of_{task}"] for task in ("digit", "parity", "speaker")] == [2, 2, 2]
    for seed in range(8):
        uneven = build(seed, availability="uneven", availability_alpha=0.1).facts
        assert min(uneven["holders_of_audio"], uneven["holders_of_image"]) >= 1


def test_the_axes_vary_separately(made_up_av):
    """Other modalities or tasks at clients leave everybody's samples where they were."""
    plain, thirds, one = (
        build(3, clients=12, **options)
        for options in ({}, {"availability": "thirds"}, {"tasks_per_client": 1})
    )
    for other in (thirds, one):
        for a, b in zip(plain.clients, other.clients, strict=True):
            np.testing.assert_array_equal(a.train.ids, b.train.ids)
            assert (a.device, a.access) == (b.device, b.access)


def test_the_same_seed_builds_the_same_world_and_another_one_another(made_up_av):
    first, second, other = build(4), build(4), build(5)
    image = [population.test.inputs["image"] for population in (first, second, other)]
    np.testing.assert_array_equal(image[0], image[1])
    assert np.abs(image[0] - image[2]).max() > 0.1  # noise on the pictures is drawn anew


def test_sizes_and_tasks_can_be_chosen(made_up_av):
    population = build(train_samples=200, test_samples=90, tasks=("speaker",))
    held = sum(len(client.train) + len(client.test) for client in population.clients)
    assert (held, len(population.test)) == (200, 90)
    assert tuple(population.test.targets) == ("speaker",)
    names = ("parity.accuracy", "parity.accuracy@audio", "parity.accuracy@image")
    assert AvDigits(tasks=("parity",)).metrics()[:3] == names


def test_samples_may_lack_a_modality_and_the_server_may_have_public_ones(made_up_av):
    population = build(missing=0.4, train_samples=200, public_samples=60)
    facts = population.facts
    assert (facts["missing_audio"], facts["missing_image"]) == pytest.approx((0.2, 0.2), abs=0.003)
    held = {i for c in population.clients for i in (*c.train.ids, *c.test.ids)}
    assert len(set(population.public.ids) - held - set(population.test.ids)) == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clients": 1, "partition": "dirichlet"}, "at least 2 clients"),
        ({"clients": 8}, "multiple of 6"),
        ({"tasks": ()}, "at least one"),
        ({"tasks": ("digit", "digit")}, "none twice"),
        ({"train_samples": 301}, r"train_samples must lie in 1\.\.300"),
        ({"public_samples": 1}, "1 public samples of the 0 that 300 train_samples leave"),
        ({"missing": 0.5, "availability": "thirds"}, "let clients hold all modalities"),
        ({"test_samples": 0}, "test_samples must be at least 1 and at most 300, got 0"),
        ({"missing": 1.5}, "missing, the share .* at most 1, got 1.5"),
        ({"availability_alpha": 0.0}, "availability_alpha must be above 0, got 0"),
        ({"local_test_fraction": 0.0}, "local_test_fraction must be above 0 and below 1, got 0"),
        ({"tasks_per_client": 4}, "4 tasks per client"),
        ({"min_samples": 40, "clients": 12}, "lower min_size"),
    ],
)
def test_what_cannot_be_is_refused(made_up_av, options, message):
    with pytest.raises(ConfigError, match=message):
        build(**options)


def test_without_the_files_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("QFL_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="qfl data fetch fsdd"):
        AvDigits().dataset()


@pytest.mark.golden
def test_the_real_set_has_2700_clips_for_training_and_300_for_the_server():
    if not os.environ.get("QFL_DATA") or not all(folder(name) for name in ("fsdd", "mnist")):
        pytest.skip("fsdd and mnist are not in QFL_DATA; qfl data fetch fsdd mnist")
    population = AvDigits().build(Streams(0))
    sizes = {(len(client.train), len(client.test)) for client in population.clients}
    assert sizes == {(405, 45)}
    assert len(population.test) == 300
    assert population.facts["classes_per_client"] == 10


def test_the_registry_knows_it():
    assert SCENARIOS.resolve("av_digits") is AvDigits
