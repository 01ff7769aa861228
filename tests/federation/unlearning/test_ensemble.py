"""Answers together: each member where it knows something, and nobody where nobody does."""

from dataclasses import replace

import pytest
import torch
from small import founder, population

from qfl.core.errors import ProblemError
from qfl.core.events import Staleness
from qfl.core.tasks import Modality, Task
from qfl.federation.population import TensorSamples
from qfl.federation.unlearning.ensemble import answers, merged
from qfl.federation.unlearning.systems import Founding
from qfl.models.m3t import architecture

A, B = Modality("a", (12,), "vector"), Modality("b", (12,), "vector")
CLASSES, NUMBER = Task("digit", "classification", 2), Task("slant", "regression", 1)
BOTH = architecture((A, B), (CLASSES, NUMBER), 8)
ONLY_A = architecture((A,), (CLASSES, NUMBER), 8)
ONLY_B = architecture((B,), (CLASSES,), 8)


def saying(logits, number=0.0):
    def predict(samples):
        n = len(samples)
        return {
            "digit": torch.tensor([logits]).float().expand(n, 2),
            "slant": torch.full((n, 1), number),
        }

    return predict


def samples(available=None):
    return TensorSamples(
        {"a": torch.zeros(2, 12), "b": torch.zeros(2, 12)},
        {"digit": torch.zeros(2, dtype=torch.long), "slant": torch.zeros(2)},
        {name: torch.tensor(mask) for name, mask in (available or {}).items()},
    )


def test_probabilities_and_numbers_are_averaged():
    members = [(BOTH, saying([0.0, 0.0], 1.0)), (BOTH, saying([50.0, 0.0], 3.0))]
    found = answers(members, samples(), (CLASSES, NUMBER))
    assert found["digit"].exp()[0].tolist() == pytest.approx([0.75, 0.25])
    assert found["slant"].tolist() == [[2.0], [2.0]]


def test_a_member_is_asked_only_what_it_knows():
    """The second sample shows b alone, of which the first member would say nonsense."""
    nonsense = saying([float("nan"), 0.0])
    members = [(ONLY_A, nonsense), (ONLY_B, saying([0.0, 0.0]))]
    found = answers(members, samples({"a": [0.0, 0.0]}), (CLASSES, NUMBER))
    assert found["digit"].exp()[1].tolist() == pytest.approx([0.5, 0.5])
    shown = TensorSamples({"a": torch.zeros(2, 12)}, samples().targets)
    alone = answers(
        [(ONLY_A, saying([0.0, 0.0], 5.0)), (ONLY_B, nonsense)], shown, (CLASSES, NUMBER)
    )
    assert alone["digit"].exp()[0].tolist() == pytest.approx([0.5, 0.5])
    assert alone["slant"].tolist() == [[5.0], [5.0]]


def test_a_task_that_no_member_knows_is_left_out():
    assert set(answers([(ONLY_B, saying([0.0, 0.0]))], samples(), (CLASSES, NUMBER))) == {"digit"}


def test_samples_that_no_member_knows_anything_of_are_an_error():
    shown = samples({"a": [1.0, 0.0], "b": [0.0, 1.0]})
    with pytest.raises(ProblemError, match="1 samples show nothing that a shard"):
        answers([(ONLY_A, saying([0.0, 0.0]))], shown, (CLASSES,))


def test_a_module_is_as_old_as_in_the_shard_that_trained_it_least():
    """The mutation takes the first shard's word for all."""
    [first, second] = (
        next(founder(rounds=3, choose=1)(population(2, samples=120), Founding(run=run)).play())
        for run in ("/1", "/2")
    )
    ages = Staleness({"head:*:a": 1}, {"0": 1}), Staleness({"head:*:a": 3, "norm:*": 2}, {"0": 2})
    parts = [replace(r, staleness=own) for r, own in zip((first, second), ages, strict=True)]
    assert merged(parts, {}).staleness == Staleness({"head:*:a": 3, "norm:*": 2}, {"0": 3})
    assert merged([first, second], {}).staleness is None
