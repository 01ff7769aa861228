"""Very many clients: drawn when they are called, the same every time, and in nobody's memory."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import small

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Later
from qfl.data.heterogeneity import label_heterogeneity
from qfl.federation import ALGORITHMS
from qfl.scenarios import SCENARIOS
from qfl.scenarios.crowd import Crowd

FEW = Crowd(clients=24, patterns=4, samples_per_client=20, test_samples=60, public_samples=30)
FEDERATION = {"clients_per_round": 4, "rounds": 3, "evaluated_clients": 6}


def in_memory(population):
    """The same clients with all their samples drawn at once."""
    clients = tuple(
        replace(client, train=client.train.made, test=client.test.made)
        for client in population.clients
    )
    return replace(population, clients=clients)


def test_the_row_of_the_table_is_this_class():
    assert SCENARIOS.configure("crowd", {"clients": 50}) == Crowd(clients=50)


@pytest.mark.parametrize("held_apart", [0.0, 0.3])
def test_clients_drawn_when_called_train_as_clients_in_memory_bit_for_bit(held_apart):
    population = FEW.build(Streams(3))
    options = {**FEDERATION, "validation_fraction": held_apart}
    lazy, eager = (
        small.federation(population=members, **options)
        for members in (population, in_memory(population))
    )
    for mine, theirs in zip(lazy.play(), eager.play(), strict=True):
        assert small.numbers(mine) == small.numbers(theirs)
    assert small.same(lazy.state, eager.state)


def test_nothing_of_a_client_stays_in_memory():
    client = FEW.build(Streams(0)).clients[5]
    assert isinstance(client.train.inputs, Later)
    name = client.modalities[0].name
    array = client.train.inputs[name]
    again, seen = client.train.inputs[name], weakref.ref(array)
    np.testing.assert_array_equal(array, again)
    assert array is not again
    del array
    gc.collect()
    assert seen() is None


def test_building_and_playing_draw_only_who_is_called(monkeypatch):
    """The labels of all are counted; inputs are drawn of the panel and of those who train."""
    drawn = []
    population = FEW.build(Streams(1))
    for number, client in enumerate(population.clients):
        for part in (client.train, client.test):
            make = part.inputs.make
            noted = lambda make=make, number=number: (drawn.append(number), make())[1]  # noqa: E731
            part.inputs.make = part.targets.make = noted
    one = small.federation(population=population, **FEDERATION)
    assert drawn == []
    records = list(one.play())
    called = {*records[0].client_metrics, *(c for r in records for c in r.selected)}
    assert {population.clients[n].name for n in drawn} == called
    assert len(called) < 24


def test_facts_are_those_of_the_samples_that_are_drawn_later():
    population = replace(FEW, patterns=1).build(Streams(2))  # all hold all
    task, labels, parts = population.tasks[-1].name, [], []
    for client in population.clients:
        parts.append(np.arange(20) + 20 * len(parts))
        labels += [client.train.targets[task], client.test.targets[task]]
    found = label_heterogeneity(np.concatenate(labels), parts)
    assert population.facts["label_total_variation"] == pytest.approx(found.total_variation)
    assert population.facts["size_gini"] == 0
    for modality in population.modalities:
        held = sum(modality in client.modalities for client in population.clients)
        assert population.facts[f"holders_of_{modality.name}"] == held


def test_all_ids_are_distinct():
    population = FEW.build(Streams(0))
    parts = [population.test, population.spare, population.public]
    parts += [part for client in population.clients for part in (client.train, client.test)]
    ids = np.concatenate([part.ids for part in parts])
    assert len(set(ids.tolist())) == len(ids) == 24 * 20 + 60 + 60 + 30
    for part in parts:
        assert (part.ids == part.made.ids).all()


def test_client_shift_makes_labels_unequal_and_seeds_differ():
    """Of 24 clients with 500 samples, sampling alone gives a total variation of about 0.02."""
    many = replace(FEW, samples_per_client=500)
    alike, unlike = (
        replace(many, client_shift=shift, group_shift=0.0).build(Streams(0)).facts
        for shift in (0.0, 1.0)
    )
    assert alike["label_total_variation"] < 0.05
    assert unlike["label_total_variation"] > 0.2
    one, other = (FEW.build(Streams(seed)).clients[0].train.made for seed in (0, 1))
    task = next(iter(one.targets))
    assert (one.ids == other.ids).all()
    assert not np.array_equal(next(iter(one.inputs.values())), next(iter(other.inputs.values())))
    assert task in other.targets or one.targets.keys() != other.targets.keys()


def test_numbers_have_variance_about_one():
    samples = replace(FEW, test_samples=4000).build(Streams(0)).test
    for array in samples.inputs.values():
        assert array.dtype == np.float32
        assert 0.8 < array.var() < 1.3
    assert all(len(np.unique(t)) == 3 for t in list(samples.targets.values())[1:])


def test_the_outline_and_identity_need_no_client(monkeypatch):
    crowd = Crowd(clients=10_000)
    assert len(crowd.outline().clients) == 10_000
    assert crowd.dataset().sha256 != Crowd(clients=9_999).dataset().sha256
    assert len(crowd.dataset().samples) == 600
    assert "score@personal" in crowd.metrics()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clients": 1}, "clients must be at least 2, got 1"),
        ({"tasks": 2, "regressions": 2}, "at least one must ask for a class"),
        ({"local_test_fraction": 0.001}, "one for tests"),
        ({"client_shift": -1.0}, "at least 0"),
        ({"modalities": 26}, "modalities must be at least 1 and at most 8, got 26"),
        ({"samples_per_client": 10**9}, "samples_per_client must be .* at most 2000000"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Crowd(**options)


@pytest.mark.parametrize("name", sorted(ALGORITHMS.table().keys() - {"completion"}))
def test_no_algorithm_makes_everybody_ready_to_start(name):
    """Completion alone does: it fills in what samples lack."""
    algorithm = ALGORITHMS.configure(name, {})
    options = {**FEDERATION, "validation_fraction": 0.3}
    one = small.federation(algorithm, population=FEW.build(Streams(0)), **options)
    assert one.participants.made == 0
