"""Layers for the weights of one client or of a stack of clients: see `stacks`.

One-dimensional convolutions are slices and one matrix product; two-dimensional ones are torch's own
with a group per client: products of unfolded pictures took 1.3 to 2 times as long. Attention is
written out because the fused one has no batching rule under `torch.func.vmap`. Nothing draws random
numbers, keeps state or writes to its input.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, gelu, pad

from qfl.models.stacks import Stackable, affine, for_each, normalised, perceptron

HIDDEN = -1e9
"""What is added to the score of a position that is not seen: its share is then exactly 0."""


class Linear(Stackable):
    """A matrix and a vector: (N, ..., into) -> (N, ..., out)."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, into))
        self.bias = nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor) -> Tensor:
        return affine(x, self.weight, self.bias)


def one_into_another(x: Tensor, hidden: Linear, out: Linear) -> Tensor:
    """Return out(relu(hidden(x))), for the units of a stack in one step."""
    return perceptron(x, (hidden.weight, hidden.bias), (out.weight, out.bias))


class Matrix(Stackable):
    """A matrix alone: (N, ..., into) -> (N, ..., out)."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, into))

    def forward(self, x: Tensor) -> Tensor:
        return affine(x, self.weight)


class LayerNorm(Stackable):
    """Mean zero and variance one over the last axis, then a scale and a shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        return normalised(x, self.weight, self.bias)


class Conv1d(Stackable):
    """A convolution over steps: (B, steps, channels) -> (B, ceil(steps / stride), out)."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, kernel * channels))
        self.bias = nn.Parameter(torch.empty(out))
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        length = (x.shape[1] - 1) // self.stride + 1
        padded = pad(x, (0, 0, self.kernel // 2, self.kernel // 2))
        stop = self.stride * (length - 1) + 1
        columns = torch.cat(
            [padded[:, k : k + stop : self.stride] for k in range(self.kernel)], dim=-1
        )
        return affine(columns, self.weight, self.bias)


class Conv2d(Stackable):
    """A 3 x 3 convolution: (B, channels, h, w) -> (B, out, ceil(h / stride), ceil(w / stride)).

    Clients of a stack stand side by side: (B, K channels, h, w) -> (B, K out, ...); see
    `side_by_side`.
    """

    def __init__(self, channels: int, out: int, stride: int = 2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, 9 * channels))
        self.bias = nn.Parameter(torch.empty(out))
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        kernel, bias = self.weight.reshape(-1, self.channels, 3, 3), self.bias.flatten()
        groups = x.shape[1] // self.channels
        return conv2d(x, kernel, bias, stride=self.stride, padding=1, groups=groups)


def side_by_side(x: Tensor, clients: int) -> Tensor:
    """Return clients one after another, (K B, h, w, channels), as (B, K channels, h, w).

    In memory channels stay last, which makes convolutions by groups twice as fast.
    """
    apart = x.reshape(clients, -1, *x.shape[1:])
    return apart.permute(1, 2, 3, 0, 4).flatten(3).contiguous().permute(0, 3, 1, 2)


def one_after_another(x: Tensor, clients: int) -> Tensor:
    """Return (B, K channels, h, w) as (K B, h, w, channels): the inverse of `side_by_side`."""
    apart = x.permute(0, 2, 3, 1)
    apart = apart.reshape(*apart.shape[:3], clients, -1)
    return apart.permute(3, 0, 1, 2, 4).flatten(0, 1)


class Bottleneck(nn.Module):
    """What an adapter adds: up(gelu(down(x))). With `up` at zero it adds exactly nothing."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.down = Linear(width, hidden)
        self.up = Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(gelu(self.down(x)))


ADAPTED = ("query", "value")
"""The matrices of attention that have LoRA factors; they are named so in `Attention` too."""


class LowRank(nn.Module):
    """The LoRA factors of queries and values; their products are added to the matrices themselves,
    which takes a third of the time of two thin products per token."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.query_down = Matrix(width, rank)
        self.query_up = Matrix(rank, width)
        self.value_down = Matrix(width, rank)
        self.value_up = Matrix(rank, width)

    def query(self) -> Tensor:
        """Return what is added to the matrix of queries, (d, d), or (K, d, d) for a stack."""
        return self.query_up.weight @ self.query_down.weight

    def value(self) -> Tensor:
        """Return what is added to the matrix of values."""
        return self.value_up.weight @ self.value_down.weight


class Attention(nn.Module):
    """Multi-head self-attention; `hidden` (B, T, T) is added to all scores: 0, or `HIDDEN`.

    Something must be seen from everywhere. Only the rows from `first` on are asked.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.out = Linear(width, width)
        self.heads = heads

    def forward(self, x: Tensor, lora: LowRank, hidden: Tensor, first: int = 0) -> Tensor:
        asked = x[:, first:]
        query = affine(asked, self.query.weight + lora.query(), self.query.bias)
        value = affine(x, self.value.weight + lora.value(), self.value.bias)
        key, value = self._split(self.key(x)), self._split(value)
        query = self._split(query * key.shape[-1] ** -0.5)
        weights = (query @ key.transpose(-1, -2) + hidden[:, None, first:]).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(asked.shape))

    def _split(self, x: Tensor) -> Tensor:
        """(B, T, d) -> (B, heads, T, d / heads)."""
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class Vectors(Stackable):
    """Learned tokens, the same for every sample, (N, count, d): prompts, or a modality's mark."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.empty(count, width))

    def forward(self, samples: int) -> Tensor:
        return for_each(self.tokens, 2, samples)


class Norms(nn.Module):
    """The two layer norms of a block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = LayerNorm(width)
        self.experts = LayerNorm(width)
