"""Distances between answers, written out; a student that is pulled to its teacher."""

import numpy as np
import pytest
import torch
from small import DIGITS, cut, federation

from qfl.core.tasks import Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.training.cohort import Trainee, train_together
from qfl.federation.training.distil import Distillation, distances

DIGIT, SLANT = Task("digit", "classification", 3), Task("slant", "regression", 1)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_classes_are_compared_by_the_divergence_of_softened_distributions(temperature):
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(2, 4, 3))
    sp, sq = softmax(p / temperature), softmax(q / temperature)
    expected = temperature**2 * (sq * np.log(sq / sp)).sum(-1)
    found = distances(
        DIGIT,
        torch.from_numpy(p),
        torch.from_numpy(q),
        targets=torch.zeros(4),
        temperature=temperature,
    )
    assert found.numpy() == pytest.approx(expected)
    turned = distances(DIGIT, torch.from_numpy(q), torch.from_numpy(p), targets=torch.zeros(4))
    assert turned.numpy() != pytest.approx(expected)  # teacher and student are not alike


def test_numbers_are_compared_by_their_squared_difference_and_never_by_a_softmax():
    p, q = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [2.5]])
    assert distances(SLANT, p, q, targets=p[:, 0]).tolist() == [4.0, 0.25]
    steps = Task("load", "forecast", 2)
    p, q = torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0, 4.0]])
    assert distances(steps, p, q, targets=p).tolist() == [5.0]


def test_tags_are_compared_where_there_is_one():
    slots = Task("slots", "tagging", 2)
    p, q = torch.zeros(1, 3, 2), torch.zeros(1, 3, 2)
    q[0, 1, 0] = q[0, 2, 0] = 2.0
    one = distances(DIGIT, p[0, 1:2], q[0, 1:2], targets=torch.zeros(1))
    found = distances(slots, p, q, targets=torch.tensor([[0, 1, -1]]))
    assert found[0] == pytest.approx(float(one[0]) / 2)


def lesson(weight):
    """A client's samples, its fresh model, and an assignment to follow a trained one."""
    small = cut(DIGITS, clients=5, rows=40)
    played = federation(population=small, rounds=2, model="tiny", gate="table")
    began = {m: dict(ts) for m, ts in played.state.items()}
    list(played.play())
    who = next(p for p in played.participants if len(p.client.tasks) == 2)
    held = who.model.module_ids
    teacher = {m: played.state[m] for m in held}
    assignment = Assignment(
        tasks=who.client.tasks,
        training=LocalTraining(epochs=2),
        objective=Distillation(who.model, who.client.tasks, weight),
    )
    return who, {m: began[m] for m in held}, teacher, assignment


def test_the_student_ends_nearer_to_its_teacher_the_more_it_weighs():
    gaps = []
    for weight in (0.0, 1.0, 30.0):
        who, start, teacher, assignment = lesson(weight)
        ended = train(
            who.model,
            start,
            who.train,
            assignment=assignment,
            rng=np.random.default_rng(0),
            carried=who.model.flatten(teacher),
        )
        with torch.no_grad():
            answers = [who.model.predict(s, who.train.inputs) for s in (ended.state, teacher)]
        gaps.append(
            sum(
                float(
                    distances(
                        t, *(a[t.name] for a in answers), targets=who.train.targets[t.name]
                    ).mean()
                )
                for t in who.client.tasks
            )
        )
    assert gaps[0] > gaps[1] > gaps[2]


def test_a_stack_of_students_learns_what_each_would_learn_alone():
    who, start, teacher, assignment = lesson(1.0)
    carried = who.model.flatten(teacher)
    sizes = (40, 17, 33)
    parts = [who.train.take(torch.arange(n)) for n in sizes]
    trainees = [
        Trainee(start, part, np.random.default_rng(i), carried) for i, part in enumerate(parts)
    ]
    stacked = train_together(who.model, trainees, assignment=assignment)
    for i, (together, part) in enumerate(zip(stacked, parts, strict=True)):
        alone = train(
            who.model,
            start,
            part,
            assignment=assignment,
            rng=np.random.default_rng(i),
            carried=carried,
        )
        outputs = [who.model.predict(s.state, who.test.inputs) for s in (together, alone)]
        for task in who.client.tasks:
            left, right = (out[task.name] for out in outputs)
            assert torch.allclose(left, right, atol=2e-5)
