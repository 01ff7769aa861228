"""Losses that clients report: over the samples whose label is known, and none where none is."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from small import DIGITS, cut, federation

from qfl.core.rng import Streams
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.population import TensorSamples
from qfl.federation.tap import Tap, losses
from qfl.federation.training.cohort import Trainee, train_together
from qfl.federation.training.losses import labels, reported
from qfl.models.heads import sample_losses
from qfl.models.m3t import architecture

STILL = LocalTraining(epochs=2, batch_size=7, learning_rate=0.0)
"""Nothing moves, so that the reported loss is that of the weights as they were."""
WHO = max(DIGITS.clients, key=lambda client: (len(client.tasks), len(client.train)))
MODEL = architecture(WHO.modalities, WHO.tasks, 8)
STATE = MODEL.initial_state(Streams(3))


def masked(known):
    """The client's samples, of which only some have the label of the first task."""
    name = WHO.tasks[0].name
    return TensorSamples.of(dataclasses.replace(WHO.train, labelled={name: known}))


def told(samples, *, stacked):
    assignment = Assignment(tasks=WHO.tasks, training=STILL)
    if not stacked:
        rng = np.random.default_rng(0)
        return train(MODEL, STATE, samples, assignment=assignment, rng=rng).losses
    trainees = [Trainee(STATE, samples, np.random.default_rng(i)) for i in range(2)]
    return train_together(MODEL, trainees, assignment=assignment)[0].losses


def each(samples, task):
    outputs = MODEL.predict(STATE, samples.inputs, samples.available)
    return sample_losses(task, outputs[task.name], samples.targets[task.name])


@pytest.mark.parametrize("stacked", [False, True])
def test_the_reported_loss_is_the_mean_over_the_labelled_samples(stacked):
    known = np.arange(len(WHO.train)) % 3 == 0
    samples = masked(known)
    first, *others = WHO.tasks
    found = told(samples, stacked=stacked)
    wanted = each(samples, first)[torch.from_numpy(known)].mean()
    assert found[first.name] == pytest.approx(float(wanted), rel=1e-4)
    for task in others:
        assert found[task.name] == pytest.approx(float(each(samples, task).mean()), rel=1e-4)


@pytest.mark.parametrize("stacked", [False, True])
def test_a_task_without_any_label_reports_nothing(stacked):
    found = told(masked(np.zeros(len(WHO.train), np.bool_)), stacked=stacked)
    assert set(found) == {task.name for task in WHO.tasks[1:]}


def test_samples_are_counted_by_their_labels():
    samples = masked(np.arange(len(WHO.train)) < 4)
    first, other = (task.name for task in WHO.tasks[:2])
    assert (labels(samples, first), labels(samples, other)) == (4, len(WHO.train))
    assert reported({first: 16.0}, samples, 2) == {first: 2.0}


def test_the_record_names_who_has_no_label_and_a_task_that_nobody_trains():
    name = WHO.tasks[0].name

    def blind(client):
        none = np.zeros(len(client.train), np.bool_)
        return dataclasses.replace(
            client, train=dataclasses.replace(client.train, labelled={name: none})
        )

    one = tuple(blind(c) if c.name == WHO.name else c for c in DIGITS.clients)
    members = dataclasses.replace(DIGITS, clients=one)
    assert set(federation(population=members).record(0).excluded) == {f"{name} at {WHO.name}"}
    everybody = tuple(blind(c) if name in c.train.targets else c for c in DIGITS.clients)
    played = federation(population=dataclasses.replace(DIGITS, clients=everybody))
    records = list(played.play())
    assert "metrics are those of a head as it began" in records[0].excluded[name]
    assert records[1].excluded == {}
    assert not played.observations.losses.keys() & {
        i for i, c in enumerate(DIGITS.clients) if [t.name for t in c.tasks] == [name]
    }


@pytest.mark.parametrize("rule", ["held_out", "training"])
def test_tap_replaces_nothing_on_a_task_that_it_cannot_compare(rule):
    """A loss of 0 over no labels would have won every comparison with a margin below 0."""
    small = cut(DIGITS, clients=5, rows=40)
    who = max(small.clients, key=lambda client: len(client.tasks))
    name = who.tasks[0].name
    none = np.zeros(len(who.train), np.bool_)
    blind = dataclasses.replace(who, train=dataclasses.replace(who.train, labelled={name: none}))
    clients = tuple(blind if c.name == who.name else c for c in small.clients)
    played = federation(
        Tap(rule=rule, margin=-math.inf, tuning_steps=0),
        population=dataclasses.replace(small, clients=clients),
        validation_fraction=0.25,
    )
    records = list(played.play())
    found = [c for r in records for c in r.comparisons if c.client == who.name]
    assert {c.task for c in found} == {t.name for t in who.tasks}
    for each in found:
        if each.task == name:
            assert (each.common_loss, each.personal_loss, each.replaced) == (None, None, ())
        else:
            assert each.replaced
    one = next(p for p in played.participants if p.client.name == who.name)
    assert name not in losses(one, played.courier.own[one.index], one.validation)
