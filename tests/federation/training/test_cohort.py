"""Training together against training one by one."""

import math

import numpy as np
import pytest
import torch
from worlds import Foreign

from qfl.core.errors import CapacityError, UnknownNameError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedprox import FedProx
from qfl.federation.population import TensorSamples
from qfl.federation.training import cohort
from qfl.federation.training.cohort import Trainee, train_together
from qfl.models.m3t import architecture
from qfl.models.policies import exchange_policy
from qfl.models.transformer import PROFILES

TASKS = (Task("digit", "classification", 3), Task("slant", "regression", 1))
MODALITIES = (Modality("profile", (16,)), Modality("image", (4, 4)))
MODEL = architecture(MODALITIES, TASKS, 8)
SIZES = (40, 3, 17, 40, 8)
TOLERANCE = 2e-6
"""Float32 sums in another order; the largest seen over these clients is 5e-7."""


def samples(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 16)).astype(np.float32)
    inputs = {"profile": x, "image": x.reshape(n, 4, 4)[:, ::-1].copy()}
    targets = {"digit": rng.integers(0, 3, n), "slant": x[:, 0].copy()}
    return TensorSamples.of(Samples(np.arange(n), inputs, targets))


def states():
    """Every client starts elsewhere, as personal models do."""
    return [MODEL.initial_state(Streams(seed)) for seed in range(len(SIZES))]


def asked(training, algorithm, exchange="full"):
    return Assignment(
        tasks=TASKS,
        training=training,
        objective=algorithm.local_objective,
        exchange=exchange_policy(exchange),
    )


def together(training, algorithm, order=(0, 1, 2, 3, 4), workers=1):
    start = states()
    trainees = [Trainee(start[i], samples(SIZES[i], i), np.random.default_rng(i)) for i in order]
    return train_together(
        MODEL,
        trainees,
        assignment=asked(training, algorithm),
        workers=workers,
    )


def one_by_one(training, algorithm):
    return [
        train(
            MODEL,
            state,
            samples(size, i),
            assignment=asked(training, algorithm),
            rng=np.random.default_rng(i),
        )
        for i, (state, size) in enumerate(zip(states(), SIZES, strict=True))
    ]


def difference(left, right):
    left, right = MODEL.flatten(left.state), MODEL.flatten(right.state)
    return max(float((left[name] - right[name]).abs().max()) for name in left)


@pytest.mark.parametrize("algorithm", [FedAvg(), FedProx(mu=0.3)], ids=["fedavg", "fedprox"])
@pytest.mark.parametrize(("clip", "rate"), [(math.inf, 0.01), (0.1, 0.1)])
def test_together_is_one_by_one(algorithm, clip, rate):
    """Unequal sample counts, short last batches, different starts and numbers of steps."""
    training = LocalTraining(epochs=2, batch_size=8, learning_rate=rate, clip_norm=clip)
    batched, serial = together(training, algorithm), one_by_one(training, algorithm)
    for left, right in zip(batched, serial, strict=True):
        assert difference(left, right) < TOLERANCE
        assert left.losses == pytest.approx(right.losses, abs=TOLERANCE)
        assert left.operations == right.operations


def test_padding_rows_do_not_count():
    """The same cohort with batches that never need padding: sizes that divide."""
    whole = LocalTraining(epochs=1, batch_size=1000, learning_rate=0.01, clip_norm=math.inf)
    for left, right in zip(together(whole, FedAvg()), one_by_one(whole, FedAvg()), strict=True):
        assert difference(left, right) < TOLERANCE


def test_models_with_layers_of_another_kind_train_together_too():
    """`torch.func.vmap` stands in where a layer takes the weights of one client alone."""
    model = architecture(MODALITIES, TASKS, Foreign(8))
    assert not model.stackable
    training = LocalTraining(epochs=2, batch_size=8, learning_rate=0.01)
    assignment = asked(training, FedProx(mu=0.3))
    trainees = [
        Trainee(state, samples(n, i), np.random.default_rng(i))
        for i, (state, n) in enumerate(zip(states(), SIZES, strict=True))
    ]
    batched = train_together(model, trainees, assignment=assignment)
    for left, right in zip(batched, one_by_one(training, FedProx(mu=0.3)), strict=True):
        assert difference(left, right) < TOLERANCE


def test_the_memory_of_an_optimiser_stays_with_its_client():
    """Clients leave the stack at different steps; gradients arrive in another memory order."""
    training = LocalTraining(epochs=2, batch_size=8, learning_rate=1e-3, optimiser="adamw")
    batched, serial = together(training, FedProx(0.1)), one_by_one(training, FedProx(0.1))
    seen = samples(50, 99).inputs
    for left, right in zip(batched, serial, strict=True):
        assert left.steps == right.steps
        outputs = [MODEL.predict(one.state, seen) for one in (left, right)]
        for task in ("digit", "slant"):
            assert torch.allclose(*(out[task] for out in outputs), atol=1e-5)


@pytest.mark.parametrize("workers", [1, 3])
def test_together_repeats_bit_for_bit_with_any_number_of_workers(workers, monkeypatch):
    monkeypatch.setattr(cohort, "STACK", (2, 2))
    training = LocalTraining(epochs=2, batch_size=8)
    first, second = together(training, FedAvg()), together(training, FedAvg(), workers=workers)
    assert all(difference(a, b) == 0 for a, b in zip(first, second, strict=True))
    assert [a.losses for a in first] == [b.losses for b in second]


def test_workers_share_the_products_of_a_lone_stack_and_change_no_bit():
    """The model is wide enough for the compiled products; clients of one size are one stack."""
    model = architecture(MODALITIES, TASKS, 128)
    training = LocalTraining(epochs=1, batch_size=32)
    start = model.initial_state(Streams(0))
    assignment = asked(training, FedAvg())

    def trained(workers):
        trainees = [Trainee(start, samples(64, i), np.random.default_rng(i)) for i in range(6)]
        done = train_together(model, trainees, assignment=assignment, workers=workers)
        return [model.flatten(one.state) for one in done]

    for alone, shared in zip(trained(1), trained(3), strict=True):
        assert all(torch.equal(alone[name], shared[name]) for name in alone)


def test_the_order_of_clients_changes_nothing_but_rounding():
    training = LocalTraining(epochs=2, batch_size=8)
    order = [4, 2, 0, 3, 1]
    shuffled = dict(zip(order, together(training, FedAvg(), order), strict=True))
    for i, trained in enumerate(together(training, FedAvg())):
        assert difference(trained, shuffled[i]) < TOLERANCE


def test_the_download_is_left_alone():
    start = states()[0]
    kept = {name: tensor.clone() for name, tensor in MODEL.flatten(start).items()}
    trainee = Trainee(start, samples(20, 0), np.random.default_rng(0))
    [trained] = train_together(
        MODEL,
        [trainee],
        assignment=asked(LocalTraining(), FedAvg()),
    )
    assert all(torch.equal(kept[name], t) for name, t in MODEL.flatten(start).items())
    assert difference(trained, trained) == 0
    assert any(not torch.equal(kept[n], t) for n, t in MODEL.flatten(trained.state).items())


@pytest.mark.parametrize(
    ("exchange", "optimiser"), [("full", "sgd"), ("peft", "sgd"), ("peft", "adamw")]
)
def test_transformers_train_together(exchange, optimiser):
    """Attention, experts behind a learned gate, learned variances; frozen modules stay.

    Outputs are compared: AdamW moves biases without influence by the sign of rounding errors.
    """
    model = architecture(MODALITIES, TASKS, PROFILES["tiny"])
    training = LocalTraining(epochs=1, batch_size=8, learning_rate=1e-3, optimiser=optimiser)
    assignment = asked(training, FedAvg(), exchange)
    start, seen = model.initial_state(Streams(0)), samples(50, 99).inputs
    trainees = [
        Trainee(start, samples(n, i), np.random.default_rng(i)) for i, n in enumerate(SIZES)
    ]
    batched = train_together(model, trainees, assignment=assignment)
    frozen = set(model.module_ids) - set(assignment.exchange.trained(model.module_ids))
    for i, together in enumerate(batched):
        rng = np.random.default_rng(i)
        alone = train(model, start, samples(SIZES[i], i), assignment=assignment, rng=rng)
        outputs = [model.predict(one.state, seen) for one in (together, alone)]
        for task in ("digit", "slant"):
            assert torch.allclose(*(out[task] for out in outputs), atol=1e-5)
        for module in frozen:
            kept = together.state[module]
            assert all(torch.equal(start[module][name], kept[name]) for name in kept)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_graphics_card_gives_the_same_numbers():
    training = LocalTraining(epochs=2, batch_size=8, learning_rate=0.01)
    trainees = [
        Trainee(state, samples(n, i), np.random.default_rng(i))
        for i, (state, n) in enumerate(zip(states(), SIZES, strict=True))
    ]
    assignment = asked(training, FedProx(mu=0.3))
    there = train_together(MODEL, trainees, assignment=assignment, device="cuda")
    for left, right in zip(there, one_by_one(training, FedProx(mu=0.3)), strict=True):
        assert difference(left, right) < 1e-4


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a graphics card")
def test_a_missing_graphics_card_is_named():
    trainee = Trainee(states()[0], samples(5, 0), np.random.default_rng(0))
    with pytest.raises(CapacityError, match="no graphics card here"):
        train_together(MODEL, [trainee], assignment=asked(LocalTraining(), FedAvg()), device="cuda")


def test_a_device_of_another_name_is_refused():
    with pytest.raises(UnknownNameError, match="device"):
        LocalTraining(device="abacus")
