"""The disentangling term: written out, masked, and what training with it does to the angles."""

import numpy as np
import pytest
import torch
from small import federation, same

from qfl.core.errors import ConfigError
from qfl.federation.disentangle import Disentangle
from qfl.federation.engine import LocalTraining, Step
from qfl.federation.population import TensorSamples
from qfl.federation.training.losses import run
from qfl.models.notes import Notes


def step(latents, readouts=None, weights=None, available=None):
    n = len(next(iter(latents.values())))
    return Step(
        parameters={},
        reference={},
        carried={},
        batch=TensorSamples({}, {"x": torch.zeros(n)}, available or {}),
        weights=weights,
        outputs={},
        notes=Notes(latents=latents, readouts=readouts or {}),
    )


def cosine(a, b):
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_term_is_half_the_mean_squared_cosine_of_pairs():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(5, 4)).astype(np.float32) for name in "abc"}
    latents = {name: torch.from_numpy(array) for name, array in arrays.items()}
    pairs = (("a", "b"), ("a", "c"), ("b", "c"))
    squares = [
        np.mean([cosine(x, y) ** 2 for x, y in zip(arrays[i], arrays[j], strict=True)])
        for i, j in pairs
    ]
    assert float(Disentangle().local_objective(step(latents))) == pytest.approx(
        0.5 * np.mean(squares), rel=1e-5
    )
    split = step({"a": latents["a"]}, {"b": latents["b"], "c": latents["c"]})
    assert float(Disentangle(weight=1.0).local_objective(split)) == pytest.approx(
        squares[2], rel=1e-5
    )


def test_padding_and_missing_modalities_do_not_count():
    """The mutation: numbers in the rows that do not count, which would change the mean."""
    a, b = torch.eye(4), torch.ones(4, 4)
    b[3] = 0
    counted = step({"a": a[:2], "b": b[:2]})
    weights = torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.0])
    masks = {"b": torch.tensor([1.0, 1.0, 0.0, 1.0])}
    b[2] = torch.tensor([0.0, 0.0, 9.0, 0.0])
    padded = step({"a": a, "b": b}, weights=weights, available=masks)
    term = Disentangle().local_objective
    assert float(term(padded)) == pytest.approx(float(term(counted)))
    unmasked = step({"a": a, "b": b}, weights=weights)
    assert float(term(unmasked)) != pytest.approx(float(term(counted)))


def test_orthogonal_latents_cost_nothing_and_single_groups_have_no_term():
    assert (
        float(
            Disentangle().local_objective(
                step({"a": torch.eye(4), "b": torch.eye(4)[[1, 2, 3, 0]]})
            )
        )
        == 0
    )
    assert Disentangle().local_objective(step({"a": torch.eye(4)}, {"x": torch.eye(4)})) is None


def mean_square_cosine(played):
    """Of the latents of both modalities, over the clients' training samples."""
    found = []
    for who in played.participants:
        if len(who.client.modalities) < 2:
            continue
        state = {m: played.state[m] for m in who.model.module_ids}
        latents = run(
            who.model, who.model.flatten(state), who.train, who.client.tasks, None
        ).notes.latents
        a, b = latents.values()
        found.append(float(torch.cosine_similarity(a, b).square().mean()))
    return np.mean(found)


@pytest.mark.parametrize("model", ["pooled", "tiny"])
def test_training_with_it_turns_the_latents_apart(model):
    ends = {}
    for weight in (0.0, 5.0):
        played = federation(
            Disentangle(weight=weight),
            training=LocalTraining(epochs=2, learning_rate=0.05),
            model=model,
        )
        list(played.play())
        ends[weight] = mean_square_cosine(played)
    assert ends[5.0] < 0.7 * ends[0.0]


def test_without_weight_it_is_fedavg_bit_for_bit():
    plain, zero, half = (federation(a) for a in (None, Disentangle(weight=0.0), Disentangle()))
    list(plain.play()), list(zero.play()), list(half.play())
    assert same(plain.state, zero.state)
    assert not same(plain.state, half.state)


def test_a_negative_weight_is_refused():
    with pytest.raises(ConfigError, match="weight >= 0, got -1"):
        Disentangle(weight=-1.0)
