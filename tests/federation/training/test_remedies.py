"""Each remedy against its equation, with other algorithms, and in both ways to train."""

import math

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedprox import FedProx
from qfl.federation.population import TensorSamples
from qfl.federation.training.cohort import Trainee, train_together
from qfl.federation.training.remedies import balance_factors, dimmed, draw_kept
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled
from qfl.models.transformer import PROFILES

DIGIT = Task("digit", "classification", 3)
TASKS = (DIGIT, Task("slant", "regression", 1))
MODALITIES = (Modality("profile", (16,)), Modality("image", (4, 4)), Modality("tilt", (16,)))
REMEDIES = {"modality_dropout": 0.5, "gradient_balance": 0.8, "unimodal_loss": 0.5}
RECIPES = {"pooled": Pooled(8), "tiny": PROFILES["tiny"]}
TOLERANCE = 2e-6
"""Float32 sums in another order; 2e-7 is the largest seen."""


def samples(n, seed=0, modalities=("profile", "image"), masked=True):
    """A fourth lacks the profile, another the image."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 16)).astype(np.float32)
    inputs = {"profile": x, "image": x.reshape(n, 4, 4)[:, ::-1].copy(), "tilt": x[::-1].copy()}
    targets = {"digit": (x[:, 0] > 0) + (x[:, 1] > 0).astype(np.int64), "slant": x[:, 2].copy()}
    place = np.arange(n)
    masks = {"profile": place % 4 != 0, "image": place % 4 != 1, "tilt": place >= 0}
    held = {name: inputs[name] for name in modalities}
    seen = {name: masks[name] for name in modalities if masked}
    return TensorSamples.of(Samples(place, held, targets, seen, {"slant": place % 5 != 0}))


def model_of(recipe, count=2, tasks=TASKS):
    return architecture(MODALITIES[:count], tasks, RECIPES[recipe])


def one_step(model, given, *, tasks=TASKS, objective=None, rate=1.0, seed=0, start=None, **remedy):
    """One step of plain gradient descent on everything."""
    training = LocalTraining(
        epochs=1, batch_size=1000, learning_rate=rate, clip_norm=math.inf, **remedy
    )
    asked = Assignment(tasks=tasks, training=training, objective=objective or (lambda step: None))
    start = start or warm(model)
    found = train(model, start, given, assignment=asked, rng=np.random.default_rng(seed))
    return model.flatten(start), model.flatten(found.state)


def warm(model):
    """Weights after which heads are no longer zero, so that encoders have a gradient."""
    rng = np.random.default_rng(5)
    state = model.initial_state(Streams(0))
    return {
        m: {
            n: t + 0.2 * torch.from_numpy(rng.normal(size=t.shape).astype(np.float32))
            for n, t in ts.items()
        }
        for m, ts in state.items()
    }


def moved(model, given, **options):
    before, after = one_step(model, given, **options)
    return {name: before[name] - after[name] for name in before}


def test_dropout_hides_each_modality_with_its_probability_and_never_all():
    """p - p^3/3 of the numbers of a modality go; five standard deviations pass 1 run in 10^6."""
    n, p = 40_000, 0.6
    given = samples(8, modalities=("profile", "image", "tilt"), masked=False)
    many = given.take(torch.arange(n) % 8)
    kept = draw_kept(many, p, np.random.default_rng(0))
    assert kept.any(1).all()
    expected = p - p**3 / 3
    spread = math.sqrt(expected * (1 - expected) / n)
    assert np.abs((1 - kept).mean(0) - expected).max() < 5 * spread
    alone = kept[kept.sum(1) == 1].mean(0)
    assert np.abs(alone - 1 / 3).max() < 5 * math.sqrt(2 / 9 / (kept.sum(1) == 1).sum())


def test_dropout_leaves_every_sample_something_it_has():
    given = samples(400)
    kept = torch.from_numpy(draw_kept(given, 0.9, np.random.default_rng(1)))
    shown = dimmed(given, kept)
    assert torch.stack(list(shown.available.values())).sum(0).min() == 1
    for name, mask in shown.available.items():
        assert (mask <= given.available[name]).all()
        assert mask.sum() < given.available[name].sum()


def test_a_dropped_modality_is_a_missing_one():
    """One step under dropout is one plain step on samples that lack what was dropped."""
    model, given = model_of("tiny"), samples(30)
    rng = np.random.default_rng(3)
    rng.permutation(30)  # what orders the batch comes first
    shown = dimmed(given, torch.from_numpy(draw_kept(given, 0.5, rng)))
    _, dropped = one_step(model, given, seed=3, modality_dropout=0.5)
    _, missing = one_step(model, shown, seed=3)
    _, plain = one_step(model, given, seed=3)
    assert all(torch.equal(dropped[name], missing[name]) for name in missing)
    assert not all(torch.equal(dropped[name], plain[name]) for name in plain)


def test_balance_factors_are_those_of_the_paper():
    """Peng et al. 2022, eq. 8 and 9, with two modalities; the mean of the others with three."""
    factors = balance_factors(torch.tensor([0.6, 0.2]), torch.ones(2), 0.3)
    assert factors.tolist() == pytest.approx([1 - math.tanh(0.3 * 3.0), 1.0])
    three = balance_factors(torch.tensor([0.6, 0.2, 0.4]), torch.ones(3), 0.3)
    expected = [1 - math.tanh(0.3 * 2.0), 1.0, 1.0]  # .6 / .3; .2 / .5; .4 / .4
    assert three.tolist() == pytest.approx(expected)


def test_a_modality_that_nobody_has_neither_slows_nor_is_slowed():
    factors = balance_factors(torch.tensor([0.6, 0.9]), torch.tensor([1.0, 0.0]), 0.3)
    assert factors.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("recipe", RECIPES)
def test_balance_slows_the_encoder_that_is_ahead_and_nothing_else(recipe):
    """Scores are recomputed here from the probabilities of the true classes."""
    model = model_of(recipe, tasks=(DIGIT,))
    given = samples(40, masked=False)
    given = TensorSamples(given.inputs, {"digit": given.targets["digit"]})
    start = model.flatten(warm(model))
    scores = {}
    for name, x in given.inputs.items():
        logits = functional_call(model, start, ({name: x},))["digit"]
        scores[name] = float(
            logits.softmax(-1).gather(1, given.targets["digit"][:, None]).mean().detach()
        )
    ahead = max(scores, key=scores.get)
    factor = 1 - math.tanh(0.7 * scores[ahead] / min(scores.values()))
    plain = moved(model, given, tasks=(DIGIT,))
    slow = moved(model, given, tasks=(DIGIT,), gradient_balance=0.7)
    slowed = set(model.tensors_of(f"encoder:{ahead}:*"))
    for name, step in plain.items():
        if name in slowed:
            assert torch.allclose(slow[name], factor * step, atol=1e-6)
            assert step.abs().max() > 1e-4
        else:
            assert torch.equal(slow[name], step)


def test_balance_leaves_the_term_of_the_algorithm_alone():
    """Its gradient is not that of a modality's encoder on the task, so nothing scales it."""
    model, given = model_of("pooled"), samples(30)

    def pull(step):
        return 3.0 * sum(tensor.sum() for tensor in step.parameters.values())

    free = moved(model, given, gradient_balance=5.0)
    pulled = moved(model, given, gradient_balance=5.0, objective=pull)
    for name, step in pulled.items():
        assert torch.allclose(step - free[name], torch.tensor(3.0), atol=1e-4)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_unimodal_loss_is_the_mean_loss_with_each_modality_alone(recipe):
    """Against a loss written out here, on the samples that have the modality."""
    model, weight = model_of(recipe, tasks=(DIGIT,)), 0.7
    given = samples(40)
    given = TensorSamples(given.inputs, {"digit": given.targets["digit"]}, given.available)
    start = {name: t.clone().requires_grad_() for name, t in model.flatten(warm(model)).items()}
    parts = []
    for name, x in given.inputs.items():
        rows = given.available[name].nonzero().squeeze(1)
        logits = functional_call(model, start, ({name: x[rows]},))["digit"]
        parts.append(cross_entropy(logits, given.targets["digit"][rows]))
    gradients = torch.autograd.grad(
        torch.stack(parts).mean(), list(start.values()), allow_unused=True
    )
    plain = moved(model, given, tasks=(DIGIT,))
    both = moved(model, given, tasks=(DIGIT,), unimodal_loss=weight)
    for (name, step), gradient in zip(plain.items(), gradients, strict=True):
        expected = step if gradient is None else step + weight * gradient
        assert torch.allclose(both[name], expected, atol=1e-5)
    assert max(float((both[n] - plain[n]).abs().max()) for n in plain) > 1e-3


@pytest.mark.parametrize("remedy", REMEDIES)
def test_zero_is_the_plain_path_bit_for_bit(remedy):
    model, given = model_of("tiny"), samples(30)
    _, off = one_step(model, given, **{remedy: 0.0})
    _, plain = one_step(model, given)
    _, on = one_step(model, given, **{remedy: REMEDIES[remedy]})
    assert all(torch.equal(off[name], plain[name]) for name in plain)
    assert not all(torch.equal(on[name], plain[name]) for name in plain)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_client_with_one_modality_is_left_as_it_is(remedy):
    model, given = model_of("tiny", 1), samples(30, modalities=("profile",), masked=False)
    _, plain = one_step(model, given)
    _, on = one_step(model, given, **{remedy: REMEDIES[remedy]})
    assert all(torch.equal(on[name], plain[name]) for name in plain)


@pytest.mark.parametrize("algorithm", [FedAvg(), FedProx(mu=0.3)], ids=["fedavg", "fedprox"])
@pytest.mark.parametrize("remedy", REMEDIES)
@pytest.mark.parametrize("recipe", RECIPES)
def test_together_is_one_by_one(recipe, remedy, algorithm):
    """The same draws and the same steps for unequal clients, some of them complete."""
    model = model_of(recipe)
    training = LocalTraining(
        epochs=2, batch_size=8, learning_rate=0.02, **{remedy: REMEDIES[remedy]}
    )
    asked = Assignment(tasks=TASKS, training=training, objective=algorithm.local_objective)
    given = [samples(29, 0), samples(3, 1), samples(16, 2, masked=False)]
    start = warm(model)
    trainees = [Trainee(start, one, np.random.default_rng(i)) for i, one in enumerate(given)]
    together = train_together(model, trainees, assignment=asked)
    for i, one in enumerate(given):
        own = train(model, start, one, assignment=asked, rng=np.random.default_rng(i))
        assert together[i].losses == pytest.approx(own.losses, abs=TOLERANCE)
        assert together[i].operations == own.operations
        left, right = model.flatten(together[i].state), model.flatten(own.state)
        worst = max(float((left[n] - right[n]).abs().max()) for n in left)
        assert worst < TOLERANCE


def test_remedies_cost_passes():
    assert LocalTraining(epochs=3).passes(2) == 3
    assert LocalTraining(epochs=3, unimodal_loss=1.0).passes(2) == 6
    assert LocalTraining(epochs=3, gradient_balance=1.0).passes(2) == 4
    assert LocalTraining(epochs=3, unimodal_loss=1.0, gradient_balance=1.0).passes(1) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modality_dropout": 1.0}, "modality_dropout must be at least 0 and below 1, got 1.0"),
        ({"gradient_balance": -0.1}, "gradient_balance must be at least 0, got -0.1"),
        ({"unimodal_loss": math.nan}, "unimodal_loss must be at least 0, got nan"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        LocalTraining(**options)
