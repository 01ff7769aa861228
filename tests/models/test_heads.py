"""Heads and the loss of each sample."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy
from worlds import IMAGE, SLOTS, aims

from qfl.core.errors import ConfigError
from qfl.core.tasks import Task
from qfl.models.heads import sample_losses, weighed
from qfl.models.m3t import architecture
from qfl.models.transformer import PROFILES

TINY = PROFILES["tiny"]


def test_tags_need_a_text():
    with pytest.raises(ConfigError, match="no modality is one"):
        architecture((IMAGE,), (SLOTS,), TINY)


def test_positions_without_a_tag_do_not_count():
    logits = torch.randn(1, 12, 5, generator=torch.Generator().manual_seed(0))
    target = aims(1)["slots"]
    expected = cross_entropy(logits[0, :8], target[0, :8])
    torch.testing.assert_close(sample_losses(SLOTS, logits, target)[0], expected)
    nothing = torch.full_like(target, -1)
    assert float(sample_losses(SLOTS, logits, nothing)[0]) == 0


@pytest.mark.parametrize("classes", [3, 20])
@pytest.mark.parametrize("samples", [4, 300])
def test_both_ways_to_normalise_give_the_cross_entropy(samples, classes):
    """Many short rows are turned on their side; the numbers are the same."""
    generator = torch.Generator().manual_seed(samples + classes)
    logits = torch.randn(samples, classes, generator=generator, dtype=torch.float64)
    aims_ = torch.randint(classes, (samples,), generator=generator)
    task = Task("t", "classification", classes)
    expected = -logits.log_softmax(1)[torch.arange(samples), aims_]
    torch.testing.assert_close(sample_losses(task, logits, aims_), expected)


def test_numbers_are_squared_and_averaged_over_what_is_asked():
    task = Task("t", "forecast", 2)
    found = sample_losses(task, torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 0.0]]))
    assert found.tolist() == [5.0]


def test_a_learned_variance_is_best_where_it_is_the_loss():
    """Kendall et al. 2017: of l exp(-s) + s the minimum is at s = ln l."""
    loss = torch.tensor(3.0)
    spread = torch.full((1,), math.log(3.0), requires_grad=True)
    weighed({"a": loss, "b": torch.tensor(7.0)}, {"a": spread}).backward()
    assert spread.grad.item() == pytest.approx(0.0, abs=1e-6)
    known = weighed({"a": loss, "b": torch.tensor(7.0)}, {"a": spread.detach()})
    assert known.item() == pytest.approx(1 + math.log(3.0) + 7)
