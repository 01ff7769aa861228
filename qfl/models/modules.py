"""The modules themselves: encoders give one token of `width` numbers, heads read a fused token."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality, Task

_PATCH, _STRIDE = 4, 2


class ImageEncoder(nn.Module):
    """Flattened pixels -> hidden layer -> token. Small pictures need no convolution."""

    def __init__(self, pixels: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(pixels, 2 * width)
        self.out = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(x.flatten(1))))


class SequenceEncoder(nn.Module):
    """Overlapping patches of a series through one shared layer, then a mix over positions."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        positions = (steps - _PATCH) // _STRIDE + 1
        self.patch = nn.Linear(_PATCH, width // 2)
        self.out = nn.Linear(positions * (width // 2), width)

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.relu(self.patch(x.unfold(1, _PATCH, _STRIDE)))
        return self.out(tokens.flatten(1))


class Fusion(nn.Module):
    """Mean of the tokens of the modalities that are present, normalised, then a residual layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 2 * width)
        self.out = nn.Linear(2 * width, width)

    def forward(self, tokens: list[Tensor]) -> Tensor:
        x = self.norm(torch.stack(tokens).mean(0))
        return x + self.out(torch.relu(self.hidden(x)))


def make_encoder(modality: Modality, width: int) -> nn.Module:
    """Return the encoder for inputs of this shape.

    Raises:
        ConfigError: no encoder takes inputs of this many axes.
    """
    if len(modality.shape) == 1:
        return SequenceEncoder(modality.shape[0], width)
    if len(modality.shape) == 2:
        return ImageEncoder(math.prod(modality.shape), width)
    raise ConfigError(
        f"no encoder for modality {modality.name!r} of shape {modality.shape}; "
        "a sequence has one axis, a picture two"
    )


def make_head(task: Task, width: int) -> nn.Module:
    """Return the head: one linear layer to logits or to numbers."""
    return nn.Linear(width, task.outputs)
