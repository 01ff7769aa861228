"""Seasons: every sample in one of them, shown otherwise in each, and what cannot be."""

from itertools import chain

import numpy as np
import pytest
from small import MODALITIES, TASKS, population

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.continual import seasons
from qfl.federation.continual.streams import Stream

WHOLE = population(3, samples=360)


def ids(stages, place):
    return [s.population.clients[place].train.ids.tolist() for s in stages]


def test_seasons_divide_the_samples_and_shift_more_and_more():
    stages = Stream(kind="noise", stages=3, strength=2.0).divided(WHOLE, Streams(1))
    for place, client in enumerate(WHOLE.clients):
        assert sorted(chain(*ids(stages, place))) == client.train.ids.tolist()
    clean = WHOLE.test.inputs["vector_0"]
    spread = [float((s.population.test.inputs["vector_0"] - clean).std()) for s in stages]
    assert spread[0] == 0.0
    assert spread[1:] == pytest.approx([1.0, 2.0], rel=0.1)
    again = Stream(kind="noise", stages=3, strength=2.0).divided(WHOLE, Streams(1))
    assert np.array_equal(
        again[2].population.test.inputs["vector_0"], stages[2].population.test.inputs["vector_0"]
    )


def test_a_season_has_one_gain_for_everybody():
    stages = Stream(kind="gain", stages=2).divided(WHOLE, Streams(1))
    gains = set()
    everybody = {c.name: c.train for c in WHOLE.clients}
    for client in stages[1].population.clients:
        rows = np.isin(everybody[client.name].ids, client.train.ids)
        old = everybody[client.name].inputs["vector_0"][rows]
        gains.add(round(float((client.train.inputs["vector_0"] / old).mean()), 4))
    assert len(gains) == 1


def test_every_season_lacks_another_modality():
    stages = seasons.by_modality(WHOLE, stages=4, share=1.0, streams=Streams(1))
    for at, made in enumerate(stages):
        gone = WHOLE.modalities[at % 3].name
        for samples in (made.population.test, *(c.train for c in made.population.clients)):
            assert list(samples.available) == [gone]
            assert not samples.available[gone].any()
    assert len(stages[0].population.test) == len(WHOLE.test)


def test_a_share_of_the_samples_lacks_it():
    """The share is binomial: four standard deviations, false alarm below 1e-4."""
    share, n = 0.4, len(WHOLE.test)
    [first, *_] = seasons.by_modality(WHOLE, stages=2, share=share, streams=Streams(1))
    lost = 1 - first.population.test.available["vector_0"].mean()
    assert abs(lost - share) < 4 * np.sqrt(share * (1 - share) / n)


def test_who_has_nothing_else_sits_the_season_out():
    uneven = population(3, held={1: (MODALITIES[:1], TASKS)}, samples=360)
    first, second = seasons.by_modality(uneven, stages=2, share=1.0, streams=Streams(1))
    assert first.population.numbers == (0, 2)
    assert second.population.numbers == (0, 1, 2)
    half, _ = seasons.by_modality(uneven, stages=2, share=0.5, streams=Streams(1))
    alone = half.population.clients[1].train
    assert 0 < len(alone) < len(second.population.clients[1].train)
    assert alone.available["vector_0"].all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="no modality is a square picture"):
        Stream(kind="rotation").divided(WHOLE, Streams(1))
    everybody = (MODALITIES[:1], TASKS)
    lone = population(3, held=dict.fromkeys(range(3), everybody), samples=360)
    lone = type(lone)(**{**vars(lone), "modalities": WHOLE.modalities[:1]})
    with pytest.raises(ConfigError, match="vector_0 is the only modality and cannot be missing"):
        Stream(kind="modalities").divided(lone, Streams(1))
