"""Inputs of every kind and weights that say something: what the tests of models share."""

import torch
from torch import nn

from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Task
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled

IMAGE = Modality("image", (28, 28))
AUDIO = Modality("audio", (40, 32), "audio")
IMU = Modality("wrist", (6, 200), "imu")
SERIES = Modality("load", (96,), "series")
SENSOR = Modality("pressure", (60,), "sensor")
TABLE = Modality("record", (4,), "tabular", (0, 3, 0, 5))
TEXT = Modality("words", (12,), "text", (64,))
EVERY_MODALITY = (IMAGE, AUDIO, IMU, SERIES, SENSOR, TABLE, TEXT)

DIGIT = Task("digit", "classification", 10)
PARITY = Task("parity", "classification", 2)
SPEAKER = Task("speaker", "classification", 6)
GRADE = Task("grade", "regression", 1)
NEXT = Task("next", "forecast", 24)
SLOTS = Task("slots", "tagging", 5)
EVERY_TASK = (DIGIT, GRADE, NEXT, SLOTS)


def inputs(modalities=EVERY_MODALITY, n=3, seed=3):
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for modality in modalities:
        x = torch.rand(n, *modality.shape, generator=generator)
        if modality.kind == "tabular":
            levels = torch.tensor(modality.levels)
            x = torch.where(levels > 0, (x * levels).floor(), x)
        elif modality.kind == "text":
            x = (x * (modality.levels[0] - 1)).floor() + 1
            x[:, -4:] = 0
        found[modality.name] = x
    return found


def warmed(model, seed=1):
    """What begins at zero hides what is behind it: add some noise to every tensor."""
    generator = torch.Generator().manual_seed(seed)
    state = model.initial_state(Streams(seed))
    for tensors in state.values():
        for tensor in tensors.values():
            tensor += 0.2 * torch.randn(tensor.shape, generator=generator)
    return state


def built(recipe, modalities=EVERY_MODALITY, tasks=EVERY_TASK):
    model = architecture(modalities, tasks, recipe)
    return model, warmed(model)


class Foreign(Pooled):
    """The pooled recipe with a layer that knows nothing of stacks in every head."""

    def build(self, modalities, tasks):
        heads = {f"head:*:{task.name}": nn.Linear(self.width, task.outputs) for task in tasks}
        return Pooled.build(self, modalities, tasks) | heads


def aims(n=3):
    return {
        "digit": torch.arange(n) % 10,
        "grade": torch.linspace(-1, 1, n),
        "next": torch.ones(n, 24),
        "slots": torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2, -1, -1, -1, -1]] * n),
    }
