"""Relearning: none where it is still known, more from further away, and an end to it."""

import numpy as np
import pytest
import torch
from small import found, population

from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.evaluate import predictor
from qfl.federation.population import TensorSamples
from qfl.federation.unlearning.relearning import MOST_STEPS, losses_of, relearn_steps
from qfl.models.heads import sample_losses

WHOLE = population(3, samples=240)
FRESH = found(WHOLE)
SAMPLES = FRESH.participants[0].train
WORK = Assignment(tasks=WHOLE.tasks, training=LocalTraining(epochs=2, batch_size=16))


def steps(state, threshold):
    return relearn_steps(
        FRESH.model,
        state,
        SAMPLES,
        assignment=WORK,
        threshold=threshold,
        rng=np.random.default_rng(1),
    )


def loss(state):
    return float(losses_of(predictor(FRESH.model, state)(SAMPLES), SAMPLES, WHOLE.tasks).mean())


def test_what_is_known_needs_no_step_and_what_is_further_away_needs_more():
    rng = np.random.default_rng(0)
    half = train(FRESH.model, FRESH.state, SAMPLES, assignment=WORK, rng=rng).state
    known = train(FRESH.model, half, SAMPLES, assignment=WORK, rng=rng).state
    assert loss(known) < loss(half) < loss(FRESH.state)
    target = loss(known)
    assert steps(known, target) == 0
    assert 0 < steps(half, target) < steps(FRESH.state, target) < MOST_STEPS


def test_it_gives_up():
    assert steps(FRESH.state, -1.0) == MOST_STEPS


def test_a_loss_is_the_sum_over_the_tasks_whose_label_is_known():
    labelled = {"task_1": torch.tensor([1.0, 0.0] * (len(SAMPLES) // 2))}
    some = TensorSamples(SAMPLES.inputs, SAMPLES.targets, {}, labelled)
    outputs = FRESH.outputs(some)
    each = {
        task.name: sample_losses(task, outputs[task.name], some.targets[task.name])
        for task in WHOLE.tasks
    }
    whole = sum(each.values())
    lacking = torch.where(labelled["task_1"] > 0, whole, whole - each["task_1"])
    assert losses_of(outputs, some, WHOLE.tasks).numpy() == pytest.approx(lacking.numpy(), abs=1e-6)
