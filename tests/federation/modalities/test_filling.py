"""Each answer to what a sample lacks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small import federation

from qfl.core.errors import UnknownNameError
from qfl.core.rng import Streams
from qfl.federation.completion import Completion
from qfl.federation.modalities.filling import filled, filling
from qfl.federation.population import TensorSamples
from qfl.federation.world import World
from qfl.scenarios.digits import Digits

HALVES = Digits(clients=3, views="halves", held="everything", missing=0.6, public_samples=200)
POPULATION = HALVES.build(Streams(5))
SHAPES = {"upper": (4, 8), "lower": (4, 8)}


def world(public=True):
    played = federation(population=POPULATION)
    return World(
        model=played.model,
        participants=played.participants,
        training=played.policies.training,
        exchange=played.exchange,
        rounds=1,
        streams=Streams(5),
        initial=played.state,
        public=TensorSamples.of(POPULATION.public) if public else None,
    )


def training(fill, who=0, seed=0, **options):
    found = filling(fill, world(), **({"prompts": True} | options))
    participant = world().participants[who]
    return participant.train, found.for_training(participant, np.random.default_rng(seed))


def seen(before, name):
    return before.available[name] > 0


@pytest.mark.parametrize("fill", ["generators", "noise", "zeros", "truth"])
def test_what_samples_have_stays_and_what_they_lack_is_there(fill):
    before, after = training(fill)
    assert tuple(after.inputs) == tuple(SHAPES)
    assert after.available == {}
    assert len(after) == len(before)
    for name, x in after.inputs.items():
        there = seen(before, name)
        assert 0 < there.sum() < len(there)
        assert torch.equal(x[there], before.inputs[name][there])
        assert torch.isfinite(x).all()


def test_zeros_are_zeros():
    before, after = training("zeros")
    assert not after.inputs["upper"][~seen(before, "upper")].any()


def test_the_truth_is_what_was_hidden():
    before, after = training("truth")
    hidden = POPULATION.clients[0].train.inputs["upper"]
    np.testing.assert_array_equal(after.inputs["upper"].numpy(), hidden)
    assert after.inputs["upper"][~seen(before, "upper")].any()


def test_generators_guess_better_than_the_mean_and_noise_does_not():
    hidden = torch.from_numpy(POPULATION.clients[0].train.inputs["upper"])
    errors = {}
    for fill in ("generators", "noise"):
        before, after = training(fill)
        lost = ~seen(before, "upper")
        errors[fill] = float((after.inputs["upper"] - hidden)[lost].square().mean())
    spread = float(hidden.sub(hidden.mean(0)).square().mean())
    assert errors["generators"] < 0.7 * spread
    assert errors["noise"] > 1.5 * spread


def test_noise_has_the_mean_and_the_spread_of_public_samples():
    _, after = training("noise", seed=1)
    before, again = training("noise", seed=1)
    lost = ~seen(before, "lower")
    drawn, public = after.inputs["lower"][lost], torch.from_numpy(POPULATION.public.inputs["lower"])
    assert torch.equal(drawn, again.inputs["lower"][lost])
    gap = (drawn - public.mean(0)) / public.std(0).clamp(min=1e-6)
    moving = gap[:, public.std(0) > 0.05]
    assert abs(float(moving.mean())) < 5 / moving.numel() ** 0.5
    assert float(moving.std()) == pytest.approx(1, abs=0.05)


def test_mask_leaves_samples_alone_and_drop_keeps_the_complete_ones():
    before, masked = training("mask")
    assert masked is before
    _, kept = training("drop")
    complete = seen(before, "upper") & seen(before, "lower")
    assert torch.equal(kept.inputs["upper"], before.inputs["upper"][complete])
    assert 0 < len(kept) < len(before)


@pytest.mark.parametrize("fill", ["generators", "noise", "zeros", "truth", "mask", "drop"])
def test_test_samples_are_filled_without_labels(fill):
    """Samples that show one modality come out the same whatever their labels say."""
    test = TensorSamples.of(POPULATION.test)
    found, rng = filling(fill, world(), prompts=True), np.random.default_rng
    one = TensorSamples({"upper": test.inputs["upper"]}, test.targets)
    turned = {name: t.flip(0) for name, t in test.targets.items()}
    other = TensorSamples(one.inputs, turned)
    left, right = (found.for_test(samples, rng(3)) for samples in (one, other))
    assert all(torch.equal(x, right.inputs[name]) for name, x in left.inputs.items())
    expected = tuple(SHAPES) if fill in ("generators", "noise", "zeros") else ("upper",)
    assert tuple(left.inputs) == expected


def test_with_prompts_labels_would_count():
    """The mutation of the test above: at training the class changes the guess."""
    participant, generators = world().participants[0], filling("generators", world(), prompts=True)
    turned = {name: t.flip(0) for name, t in participant.train.targets.items()}
    other = replace(
        participant,
        train=TensorSamples(participant.train.inputs, turned, participant.train.available),
    )
    left, right = (
        generators.for_training(who, np.random.default_rng(0)) for who in (participant, other)
    )
    assert not torch.equal(left.inputs["upper"], right.inputs["upper"])


def test_a_modality_that_is_not_there_at_all_is_filled_too():
    samples = TensorSamples({"upper": torch.ones(3, 4, 8)}, {"digit": torch.zeros(3)})
    after = filled(samples, SHAPES, lambda name: torch.full((3, 4, 8), 2.0))
    assert after.inputs["upper"].unique().tolist() == [1]
    assert after.inputs["lower"].unique().tolist() == [2]


def test_without_public_samples_nothing_is_fitted():
    with pytest.raises(UnknownNameError, match=r"allowed: .*zeros"):
        filling("generators", world(public=False), prompts=True)
    assert Completion(fill="zeros", contrastive=0, margin=0, similarity="off").needs_public is False
