"""Clients that lie: the same few everywhere, false in what they say, and nobody else's answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small import DIGITS

from qfl.core.errors import ConfigError
from qfl.core.gather import Answer
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.attacks.adversary import Adversary, LyingLabels, LyingUpdates, NoAttack
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled

HEAD = "head:*:digit"
NAMES = [client.name for client in DIGITS.clients]


def adversary(attack, seed=0):
    return Adversary(attack, DIGITS, rng=np.random.default_rng(seed))


def answers(rows, module=HEAD):
    before = Update({module: {"w": np.ones(2, np.float32)}}, {module: 1})
    return [
        Answer(name, before, Update({module: {"w": np.float32(1.0) + row}}, {module: 30}))
        for name, row in rows.items()
    ]


def changes(tampered):
    return {a.client: (a.update.modules[HEAD]["w"] - 1.0).tolist() for a in tampered}


def test_as_many_lie_as_were_asked_for_and_a_seed_draws_the_same():
    found = [
        adversary(LyingUpdates("sign_flip", corrupted=3), seed).corrupted for seed in (0, 0, 1)
    ]
    assert [len(names) for names in found] == [3, 3, 3]
    assert found[0] == found[1] != found[2]
    assert found[0] < set(NAMES)


def test_signs_flip_for_those_who_lie_and_samples_stay_as_they_said():
    liars = adversary(LyingUpdates("sign_flip", corrupted=2, scale=3.0))
    honest = answers({name: np.array([i, -2.0], np.float32) for i, name in enumerate(NAMES)})
    sent = liars.tamper(honest)
    assert [a.client for a in sent] == NAMES
    for place, (name, change) in enumerate(changes(sent).items()):
        factor = -3.0 if name in liars.corrupted else 1.0
        assert change == [factor * place, factor * -2.0]
    assert all(a.update.samples == {HEAD: 30} for a in sent)


def test_a_plan_that_hides_among_the_honest_waits_for_a_majority_of_them():
    liars = adversary(LyingUpdates("ipm", corrupted=2, scale=1.0))
    rows = {name: np.array([1.0, 1.0], np.float32) for name in NAMES}
    hidden = changes(liars.tamper(answers(rows)))
    assert {tuple(hidden[name]) for name in liars.corrupted} == {(-1.0, -1.0)}
    alone = {name: rows[name] for name in [*liars.corrupted, min(set(NAMES) - liars.corrupted)]}
    assert changes(liars.tamper(answers(alone))) == {name: [1.0, 1.0] for name in alone}


def test_labels_are_turned_for_those_who_lie_and_nobody_else():
    liars = adversary(LyingLabels("label_flip", corrupted=2))
    for before, after in zip(DIGITS.clients, liars.population.clients, strict=True):
        if before.name not in liars.corrupted:
            assert after is before
            continue
        for task in before.tasks:
            old, new = before.train.targets[task.name], after.train.targets[task.name]
            wanted = task.outputs - 1 - old if task.kind == "classification" else -old
            assert np.array_equal(new, wanted)
        assert after.test is before.test


def test_a_backdoor_stamps_every_other_picture_and_leaves_the_originals():
    client = next(c for c in DIGITS.clients if "image" in c.train.inputs)
    task = next(t for t in DIGITS.tasks if t.kind == "classification")
    before = client.train.inputs["image"].copy()
    poisoned = LyingLabels("backdoor", target_class=3).poison(client.train, (task,))
    assert np.array_equal(client.train.inputs["image"], before)
    assert np.array_equal(poisoned.inputs["image"][1::2], before[1::2])
    stamped = poisoned.inputs["image"][::2] != before[::2]
    assert stamped.any(axis=(1, 2)).all()
    assert (poisoned.targets[task.name][::2] == 3).all()
    assert np.array_equal(poisoned.targets[task.name][1::2], client.train.targets[task.name][1::2])


def test_success_is_what_the_trigger_turns_among_samples_of_other_classes():
    """A model that always says the class succeeds always, one that never does never."""
    task = next(t for t in DIGITS.tasks if t.kind == "classification")
    model = architecture(DIGITS.modalities, DIGITS.tasks, Pooled(8))
    state = model.initial_state(Streams(0))
    liars = adversary(LyingLabels("backdoor", target_class=3))
    for bias, success in ((1e6, 1.0), (-1e6, 0.0)):
        head = {**state[HEAD], "bias": torch.zeros(task.outputs)}
        head["bias"][3] = bias
        found = liars.measure(model, {**state, HEAD: head}, DIGITS.tasks)
        assert found == {f"{task.name}.attack_success": success}
    assert adversary(LyingUpdates("alie")).measure(model, state, DIGITS.tasks) == {}


def test_where_all_are_honest_nothing_changes():
    honest = adversary(NoAttack())
    rows = {name: np.array([1.0, 2.0], np.float32) for name in NAMES}
    assert honest.corrupted == frozenset()
    assert honest.population.clients == DIGITS.clients
    assert changes(honest.tamper(answers(rows))) == {name: [1.0, 2.0] for name in NAMES}


def test_what_nobody_can_do_is_refused():
    with pytest.raises(ConfigError, match="9 of 9 clients corrupted"):
        adversary(LyingUpdates("alie", corrupted=9))
    for attack in (LyingUpdates("alie"), LyingLabels("label_flip")):
        with pytest.raises(ConfigError, match="corrupted 0"):
            replace(attack, corrupted=0)
        with pytest.raises(ConfigError, match="scale inf"):
            replace(attack, scale=float("inf"))
    with pytest.raises(ConfigError, match="target_class is -1"):
        LyingLabels("backdoor", target_class=-1)
