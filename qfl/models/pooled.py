"""The pooled recipe: one token per modality, their mean, one residual layer, linear heads.

Small pictures, short sequences and the words of a request need no more. Heads start at zero, other
matrices He-normal.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality, Task
from qfl.models.keys import FUSION, encoder_key, head_key
from qfl.models.layers import LayerNorm, Linear, one_into_another
from qfl.models.notes import Notes
from qfl.models.recipes import Batch, Modules, Start, shared_or_own
from qfl.models.stacks import Stackable, looked_up

_PATCH, _STRIDE = 4, 2


@dataclass(frozen=True, slots=True)
class Pooled:
    """The recipe.

    Attributes:
        width: of the tokens that modules exchange.
    """

    width: int = 32

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its modules."""
        return frozenset({"encoder", "fusion", "head"})

    def build(
        self, modalities: tuple[Modality, ...], tasks: tuple[Task, ...]
    ) -> dict[str, nn.Module]:
        """Return an encoder per modality, the fusion and a head per task."""
        return {
            **{str(encoder_key(m.name)): make_encoder(m, self.width) for m in modalities},
            str(FUSION): Fusion(self.width),
            **{str(head_key(t.name)): Linear(self.width, t.outputs) for t in tasks},
        }

    def forward(
        self, modules: Modules, batch: Batch, tasks: tuple[Task, ...], notes: Notes
    ) -> dict[str, Tensor]:
        """Return task -> outputs from the mean of the tokens that are there."""
        tokens, weights = [], []
        for name, x in batch.inputs.items():
            tokens.append(modules[str(encoder_key(name))](x))
            notes.latents[name] = tokens[-1]
            weights.append(batch.available.get(name))
        stacked = torch.stack(tokens)
        if all(weight is None for weight in weights):
            mean = stacked.mean(0)
        else:
            there = torch.stack(
                [torch.ones_like(stacked[0, :, 0]) if w is None else w for w in weights]
            ).to(stacked.dtype)
            mean = (stacked * there[..., None]).sum(0) / there.sum(0).clamp(min=1)[:, None]
        fused = modules[str(FUSION)](mean)
        notes.readouts |= {task.name: fused for task in tasks}
        return {task.name: modules[str(head_key(task.name))](fused) for task in tasks}

    def path(
        self, modules: Iterable[str], task: Task, modalities: Collection[str]
    ) -> tuple[str, ...]:
        """Return the shared modules, and those of the task and the modalities."""
        return shared_or_own(modules, task, modalities)

    def start(self, module: str, name: str, shape: tuple[int, ...]) -> Start:
        """Return zero for heads and vectors, one for normalising scales, He-normal for the rest."""
        if len(shape) > 1 and not module.startswith("head:"):
            return Start(spread=math.sqrt(2.0 / shape[1]))
        return Start(constant=1.0 if name.endswith("norm.weight") else 0.0)

    def multiplications(self, modules: Modules) -> float:
        """Return the number of weights, each used once per sample, but for tables of words."""
        used = (m for m in modules.values() if not isinstance(m, TextEncoder))
        return sum(tensor.numel() for module in used for tensor in module.parameters())


class ImageEncoder(nn.Module):
    """Flattened pixels -> hidden layer -> token. Small pictures need no convolution."""

    def __init__(self, pixels: int, width: int) -> None:
        super().__init__()
        self.hidden = Linear(pixels, 2 * width)
        self.out = Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return one_into_another(x.flatten(1), self.hidden, self.out)


class SequenceEncoder(nn.Module):
    """Overlapping patches of a series through one shared layer, then a mix over positions."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.positions = (steps - _PATCH) // _STRIDE + 1
        self.patch = Linear(_PATCH, width // 2)
        self.out = Linear(self.positions * (width // 2), width)

    def forward(self, x: Tensor) -> Tensor:
        starts = range(0, self.positions * _STRIDE, _STRIDE)
        patches = torch.stack([x[:, start : start + _PATCH] for start in starts], dim=1)
        return self.out(torch.relu(self.patch(patches)).flatten(1))


class TextEncoder(Stackable):
    """The mean row of a table over the hashed words of a text; id 0 is padding."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(vocabulary, width))

    def forward(self, x: Tensor) -> Tensor:
        there = (x > 0).to(self.table.dtype)[..., None]
        rows = looked_up(x.long(), self.table) * there
        return rows.sum(-2) / there.sum(-2).clamp(min=1)


class Fusion(nn.Module):
    """The mean token, normalised, then a residual layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = LayerNorm(width)
        self.hidden = Linear(width, 2 * width)
        self.out = Linear(2 * width, width)

    def forward(self, mean: Tensor) -> Tensor:
        x = self.norm(mean)
        return x + one_into_another(x, self.hidden, self.out)


def make_encoder(modality: Modality, width: int) -> nn.Module:
    """Return the encoder for inputs of this shape.

    Raises:
        ConfigError: no encoder takes inputs of this many axes.
    """
    if modality.kind == "text":
        return TextEncoder(modality.levels[0], width)
    if len(modality.shape) == 1:
        return SequenceEncoder(modality.shape[0], width)
    if len(modality.shape) == 2:
        return ImageEncoder(math.prod(modality.shape), width)
    raise ConfigError(
        f"no encoder for modality {modality.name!r} of shape {modality.shape}; "
        "a sequence has one axis, a picture two, and a text is of kind 'text'"
    )
