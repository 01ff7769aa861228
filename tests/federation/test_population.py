"""What is hidden from training stays hidden; what is broken is refused by name."""

import numpy as np
import pytest
import small
import torch

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.evaluate import evaluate, evaluate_by_modality
from qfl.federation.population import Client, TensorSamples, narrowed, regrouped
from qfl.federation.training.cohort import Trainee, train_together
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled
from qfl.models.transformer import PROFILES
from qfl.network.links import draw_access_link, draw_device

TASKS = (Task("digit", "classification", 3), Task("slant", "regression", 1))
MODALITIES = (Modality("profile", (16,)), Modality("image", (4, 4)))
RECIPES = (Pooled(8), PROFILES["tiny"])
TOLERANCE = 2e-5
"""Outputs after AdamW on float32 in another order of sums; 3e-6 is the largest seen."""


def samples(n, seed=0, hidden=None):
    """A third lacks the profile, a third the image, a fourth the slant; `hidden` stands there."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 16)).astype(np.float32)
    inputs = {"profile": x, "image": x.reshape(n, 4, 4)[:, ::-1].copy()}
    targets = {"digit": rng.integers(0, 3, n), "slant": x[:, 0].copy()}
    place = np.arange(n)
    available = {"profile": place % 3 != 0, "image": place % 3 != 1}
    labelled = {"slant": place % 4 != 0}
    if hidden is not None:
        for name, mask in available.items():
            inputs[name][~mask] = hidden
        targets["slant"][~labelled["slant"]] = hidden
    return Samples(np.arange(n), inputs, targets, available, labelled)


def assignment(rate=1e-3):
    return Assignment(
        tasks=TASKS,
        training=LocalTraining(epochs=2, batch_size=8, learning_rate=rate, optimiser="adamw"),
    )


def trained(model, given, seed=0):
    return train(
        model,
        model.initial_state(Streams(0)),
        TensorSamples.of(given),
        assignment=assignment(),
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=["pooled", "tiny"])
def test_hidden_values_do_not_leak(recipe):
    """Whatever stands where a modality or a label is missing, NaN included: the same bits."""
    model = architecture(MODALITIES, TASKS, recipe)
    outcomes = [trained(model, samples(50, hidden=value)) for value in (None, 1e9, np.nan)]
    for other in outcomes[1:]:
        assert other.losses == outcomes[0].losses
        flat = model.flatten(other.state)
        assert all(torch.equal(t, flat[n]) for n, t in model.flatten(outcomes[0].state).items())


def test_shown_values_do_count():
    """The mutation of the test above: the same change where the sample has the modality."""
    model = architecture(MODALITIES, TASKS, Pooled(8))
    given = samples(50)
    moved = {**given.inputs, "image": given.inputs["image"] + 1}
    changed = Samples(given.ids, moved, given.targets, given.available, given.labelled)
    assert trained(model, changed).losses != trained(model, given).losses


@pytest.mark.parametrize("recipe", RECIPES, ids=["pooled", "tiny"])
def test_clients_with_and_without_masks_train_together(recipe):
    model = architecture(MODALITIES, TASKS, recipe)
    start, sizes = model.initial_state(Streams(0)), (40, 3, 17)
    whole = samples(17, 2)
    given = [samples(40, 0), samples(3, 1), Samples(whole.ids, whole.inputs, whole.targets)]
    trainees = [
        Trainee(start, TensorSamples.of(one), np.random.default_rng(i))
        for i, one in enumerate(given)
    ]
    together = train_together(model, trainees, assignment=assignment())
    seen = {name: torch.from_numpy(x) for name, x in samples(30, 9).inputs.items()}
    for i, one in enumerate(given):
        alone = trained(model, one, seed=i)
        assert len(one) == sizes[i]
        assert together[i].losses == pytest.approx(alone.losses, abs=TOLERANCE)
        assert together[i].steps == alone.steps == 2 * -(-sizes[i] // 8)
        for task, output in model.predict(alone.state, seen).items():
            other = model.predict(together[i].state, seen)[task]
            assert torch.allclose(output, other, atol=TOLERANCE)


def test_a_batch_without_any_label_adds_no_loss():
    given = samples(8)
    unknown = {"slant": np.zeros(8, bool)}
    blank = Samples(given.ids, given.inputs, given.targets, given.available, unknown)
    model = architecture(MODALITIES, TASKS, Pooled(8))
    after = trained(model, blank)
    before = model.initial_state(Streams(0))
    head = "head:*:slant"
    assert "slant" not in after.losses
    assert all(
        torch.allclose(tensor, before[head][name], atol=1e-4)  # what weight decay alone does
        for name, tensor in after.state[head].items()
    )


def test_metrics_count_what_is_known():
    model = architecture(MODALITIES, TASKS, Pooled(8))
    state, given = model.initial_state(Streams(0)), samples(30)
    known = given.take(np.flatnonzero(given.labelled["slant"]))
    plain = Samples(known.ids, known.inputs, known.targets, known.available)
    left, right = (evaluate(model, state, TensorSamples.of(s), TASKS) for s in (given, plain))
    assert left["slant.mae"] == pytest.approx(right["slant.mae"])
    alone = evaluate_by_modality(model, state, TensorSamples.of(given), TASKS)
    having = given.take(np.flatnonzero(given.available["image"])).only(("image",), ("digit",))
    image = TensorSamples(TensorSamples.of(having).inputs, TensorSamples.of(having).targets)
    assert alone["digit.accuracy@image"] == pytest.approx(
        evaluate(model, state, image, TASKS[:1])["digit.accuracy"]
    )


def test_samples_that_lose_their_only_modality_go():
    kept = narrowed(samples(30), MODALITIES[:1], TASKS[1:])
    assert kept.ids.tolist() == [i for i in range(30) if i % 3 != 0]
    assert (list(kept.inputs), list(kept.targets)) == (["profile"], ["slant"])
    assert list(kept.labelled) == ["slant"]


def test_members_alone_are_a_federation_of_what_they_hold():
    first, second = small.MODALITIES[:2]
    whole = small.population(4, held={1: ((first,), ("task_0",)), 3: ((second,), ("task_3",))})
    part = regrouped(whole, {1: whole.clients[1], 3: whole.clients[3]})
    assert [m.name for m in part.modalities] == [first, second]
    assert [t.name for t in part.tasks] == ["task_0", "task_3"]
    assert part.numbers == (1, 3)
    assert (part.interference.among([0, 1]) == whole.interference.among([1, 3])).all()
    theirs = {i for client in part.clients for i in client.test.ids.tolist()}
    assert set(part.spare.ids.tolist()) == theirs
    assert part.test.ids.tolist() == whole.test.ids.tolist()
    assert regrouped(part, {1: part.clients[1]}).numbers == (3,)


def client(given):
    rng = np.random.default_rng(0)
    return Client(
        "ward-7", MODALITIES, TASKS, given, given, draw_device(rng), draw_access_link(rng)
    )


def test_numbers_that_are_not_finite_are_refused_where_they_are_seen():
    assert len(client(samples(9, hidden=np.nan)).train) == 9
    broken = samples(9)
    broken.inputs["image"][2] = np.inf
    with pytest.raises(ConfigError, match=r"ward-7 has 1 of 6 samples with NaN .* in 'image'"):
        client(broken)


def test_inputs_of_another_shape_than_declared_are_refused():
    bent = samples(9)
    bent.inputs["image"] = bent.inputs["image"][:, :, :3]
    with pytest.raises(ConfigError, match=r"ward-7 has 'image' of shape \(4, 3\) .* as \(4, 4\)"):
        client(bent)
