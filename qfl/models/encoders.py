"""Encoders: one sample of a modality -> tokens (B, T, d) and which of them are there (B, T)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality
from qfl.models.layers import Conv1d, Conv2d, Linear, one_after_another, side_by_side
from qfl.models.stacks import Stackable, added, for_each, looked_up

SERIES_PATCH, SERIES_STRIDE, SENSOR_PATCH = 16, 8, 10
_TINY = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What an encoder gives.

    Attributes:
        tokens: (B, T, d).
        present: (B, T) bool, False where a token is padding.
        centre, scale: (B, 1) of a series that was normalised; forecasts are put back with them.
    """

    tokens: Tensor
    present: Tensor
    centre: Tensor | None = None
    scale: Tensor | None = None


class Encoder(Protocol):
    """What every encoder offers besides being a module.

    Attributes:
        tokens: how many it gives per sample.
        products: multiplications per sample.
    """

    tokens: int
    products: int

    def __call__(self, x: Tensor) -> Encoded:
        """Return the tokens of (B, *shape)."""
        ...


def _all_present(tokens: Tensor) -> Encoded:
    return Encoded(tokens, torch.ones_like(tokens[..., 0], dtype=torch.bool))


class ImageEncoder(Stackable):
    """Three convolutions of stride 2: a picture of 28 x 28 or 32 x 32 becomes 16 tokens."""

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        rows, columns, channels = (*shape, 1)[:3]
        plan = (channels, 16, 32, width)
        self.layers = nn.ModuleList(Conv2d(into, out) for into, out in pairwise(plan))
        areas = [-(-rows // 2**k) * -(-columns // 2**k) for k in (1, 2, 3)]
        self.tokens = areas[-1]
        self.position = nn.Parameter(torch.empty(self.tokens, width))
        self.products = sum(
            9 * into * out * area for into, out, area in zip(plan, plan[1:], areas, strict=False)
        )

    def forward(self, x: Tensor) -> Encoded:
        clients = len(self.position) if self.position.dim() > 2 else 1
        x = side_by_side(x[..., None] if x.dim() == 3 else x, clients)
        for layer in self.layers:
            x = gelu(layer(x))
        tokens = one_after_another(x, clients).flatten(1, 2)
        return _all_present(added(tokens, self.position, 2))


class StepEncoder(Stackable):
    """Three convolutions over time of (bands, frames) or (channels, steps)."""

    def __init__(
        self, shape: tuple[int, ...], width: int, plan: tuple[tuple[int, int, int], ...]
    ) -> None:
        super().__init__()
        channels, steps = shape
        self.layers = nn.ModuleList()
        self.products = 0
        for out, kernel, stride in plan:
            self.layers.append(Conv1d(channels, out or width, kernel, stride))
            steps = (steps - 1) // stride + 1
            self.products += steps * kernel * channels * (out or width)
            channels = out or width
        self.tokens = steps
        self.position = nn.Parameter(torch.empty(steps, width))

    def forward(self, x: Tensor) -> Encoded:
        x = x.transpose(1, 2)
        for layer in self.layers:
            x = gelu(layer(x))
        return _all_present(added(x, self.position, 2))


AUDIO_PLAN = ((64, 5, 2), (64, 3, 2), (0, 3, 1))
IMU_PLAN = ((32, 5, 4), (64, 5, 4), (0, 5, 2))
"""(channels out, kernel, stride) of each layer; 0 channels: the width of the model."""


class SeriesEncoder(Stackable):
    """Overlapping patches of each channel by itself, after its mean and spread are taken out.

    Reference: Nie et al. 2023 (arXiv:2211.14730), patches and channel independence.
    """

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        steps, channels = (*shape, 1)[:2]
        self.positions = (steps - SERIES_PATCH) // SERIES_STRIDE + 1
        if self.positions < 1:
            raise ConfigError(f"a series needs at least {SERIES_PATCH} steps, got {steps}")
        self.tokens = self.positions * channels
        self.patch = Linear(SERIES_PATCH, width)
        self.position = nn.Parameter(torch.empty(self.positions, width))
        self.products = self.tokens * SERIES_PATCH * width

    def forward(self, x: Tensor) -> Encoded:
        x = x if x.dim() == 3 else x[..., None]
        centre = x.mean(1, keepdim=True)
        scale = (x - centre).square().mean(1, keepdim=True).add(_TINY).sqrt()
        steps = ((x - centre) / scale).transpose(1, 2)
        starts = range(0, self.positions * SERIES_STRIDE, SERIES_STRIDE)
        patches = torch.stack([steps[..., a : a + SERIES_PATCH] for a in starts], dim=2)
        tokens = added(self.patch(patches), self.position, 2)
        encoded = _all_present(tokens.flatten(1, 2))
        return Encoded(encoded.tokens, encoded.present, centre[:, 0, :1], scale[:, 0, :1])


class SensorEncoder(Stackable):
    """A slow sensor: patches of ten samples, each through one shared layer."""

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        if len(shape) != 1 or shape[0] % SENSOR_PATCH:
            raise ConfigError(
                f"a slow sensor needs a multiple of {SENSOR_PATCH} samples, got the shape {shape}"
            )
        self.tokens = shape[0] // SENSOR_PATCH
        self.patch = Linear(SENSOR_PATCH, width)
        self.position = nn.Parameter(torch.empty(self.tokens, width))
        self.products = shape[0] * width

    def forward(self, x: Tensor) -> Encoded:
        patches = x.reshape(len(x), self.tokens, SENSOR_PATCH)
        return _all_present(added(self.patch(patches), self.position, 2))


class VectorEncoder(nn.Module):
    """Numbers that belong together, such as one view of a digit: two layers, one token."""

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.tokens = 1
        self.hidden = Linear(shape[0], 2 * width)
        self.out = Linear(2 * width, width)
        self.products = 2 * width * (shape[0] + width)

    def forward(self, x: Tensor) -> Encoded:
        return _all_present(self.out(gelu(self.hidden(x)))[:, None])


class TabularEncoder(Stackable):
    """One token per column: x w + b for a number, a row of a table for a category."""

    def __init__(self, levels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.tokens = len(levels)
        self.numbers = [j for j, count in enumerate(levels) if not count]
        self.categories = [j for j, count in enumerate(levels) if count]
        counts = [count for count in levels if count]
        self.first_rows = [sum(counts[:k]) for k in range(len(counts))]
        if self.numbers:
            self.slope = nn.Parameter(torch.empty(len(self.numbers), width))
            self.offset = nn.Parameter(torch.empty(len(self.numbers), width))
        if self.categories:
            self.table = nn.Parameter(torch.empty(sum(counts), width))
        self.products = len(self.numbers) * width

    def forward(self, x: Tensor) -> Encoded:
        tokens = []
        if self.numbers:
            slope = for_each(self.slope, 2, len(x))
            tokens.append(added(x[:, self.numbers, None] * slope, self.offset, 2))
        if self.categories:
            rows = x[:, self.categories].long() + torch.tensor(self.first_rows, device=x.device)
            tokens.append(looked_up(rows, self.table))
        return _all_present(torch.cat(tokens, dim=1))


class TextEncoder(Stackable):
    """A row of a table per hashed word or n-gram; id 0 is padding and not there."""

    def __init__(self, shape: tuple[int, ...], vocabulary: int, width: int) -> None:
        super().__init__()
        self.tokens = shape[0]
        self.table = nn.Parameter(torch.empty(vocabulary, width))
        self.products = 0

    def forward(self, x: Tensor) -> Encoded:
        return Encoded(looked_up(x.long(), self.table), x > 0)


def kind_of(modality: Modality) -> str:
    """Return the kind of `modality`, or what its shape alone says: two or three axes are a
    picture, one axis is a table of numbers.

    >>> kind_of(Modality("image", (28, 28)))
    'image'
    """
    return modality.kind or ("image" if len(modality.shape) > 1 else "tabular")


def make_encoder(modality: Modality, width: int) -> nn.Module:
    """Return the encoder of `modality` into tokens of `width` numbers.

    Raises:
        ConfigError: no encoder takes inputs of this kind or shape.
    """
    kind, shape = kind_of(modality), modality.shape
    axes = {"image": (2, 3), "audio": (2,), "frames": (2,), "imu": (2,), "series": (1, 2)}
    if len(shape) not in axes.get(kind, (1,)) or math.prod(shape) < 1:
        raise ConfigError(
            f"no {kind} encoder for modality {modality.name!r} of shape {shape}; "
            f"allowed: {' or '.join(map(str, axes.get(kind, (1,))))} axes"
        )
    match kind:
        case "image":
            return ImageEncoder(shape, width)
        case "audio" | "frames":
            return StepEncoder(shape, width, AUDIO_PLAN)
        case "imu":
            return StepEncoder(shape, width, IMU_PLAN)
        case "vector":
            return VectorEncoder(shape, width)
        case "series":
            return SeriesEncoder(shape, width)
        case "sensor":
            return SensorEncoder(shape, width)
        case "tabular":
            return TabularEncoder(modality.levels or (0,) * shape[0], width)
        case "text" if len(modality.levels) == 1:
            return TextEncoder(shape, modality.levels[0], width)
    raise ConfigError(
        f"no encoder for modality {modality.name!r} of kind {kind!r} with levels "
        f"{modality.levels}; allowed kinds: image, audio, frames, imu, series, sensor, "
        "vector, tabular, and text with levels=(vocabulary size,)"
    )
