"""Words of the pooled recipe: a mean that knows neither order nor padding."""

import pytest
import torch

from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Task
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled

WORDS = Modality("words", (4,), "text", (10,))
TASKS = (Task("intent", "classification", 3),)


@pytest.fixture
def answers():
    """Return ids (B, 4) -> outputs, of a model whose head does not start at zero."""
    model = architecture((WORDS,), TASKS, Pooled(8))
    flat = model.flatten(model.initial_state(Streams(0)))
    rng = torch.Generator().manual_seed(1)
    flat = {
        name: tensor + torch.randn(tensor.shape, generator=rng) for name, tensor in flat.items()
    }

    def answer(*ids):
        shown = {"words": torch.tensor(ids)}
        return torch.func.functional_call(model, flat, (shown,))["intent"]

    return answer


def test_words_count_once_each_wherever_they_stand(answers):
    one, other = answers([3, 5, 7, 0], [7, 3, 0, 5])
    assert torch.allclose(one, other)
    assert not torch.allclose(one, answers([3, 5, 5, 0])[0])


def test_padding_is_not_a_word(answers):
    one, other = answers([3, 5, 0, 0], [3, 5, 3, 5])
    assert torch.allclose(one, other)


def test_an_empty_text_is_no_word_at_all(answers):
    assert answers([0, 0, 0, 0]).isfinite().all()


def test_rows_of_a_table_are_looked_up_not_multiplied():
    short = architecture((WORDS,), TASKS, Pooled(8)).training_operations(1)
    longer = Modality("words", (4,), "text", (1000,))
    assert architecture((longer,), TASKS, Pooled(8)).training_operations(1) == short > 0
