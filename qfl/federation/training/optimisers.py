"""How a client steps: gradients, their bound, and the rules that move weights.

The rules are those of `torch.optim`, to the bit. They are written out because the first optimiser
that a process makes there loads a compiler and a package of symbolic algebra, which took over a
second, and because clients leave a stack in the middle of a round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.linalg import vector_norm

_TINY = 1e-12


class Optimiser(Protocol):
    """Moves some weights.

    Attributes:
        weights: in a stack, clients are on the first axis of each.
        fresh: True before the first step.
    """

    weights: list[Tensor]

    @property
    def fresh(self) -> bool: ...

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the weights in place."""
        ...

    def keep(self, weights: list[Tensor]) -> None:
        """Go on with `weights`: those of the first clients of the stack."""
        ...


class Sgd:
    """w <- w - rate g.

    >>> w = torch.ones(1); Sgd([w], 0.5).step([torch.ones(1)]); w.item()
    0.5
    """

    def __init__(self, weights: Sequence[Tensor], rate: float) -> None:
        self.weights, self._rate, self.fresh = list(weights), rate, True

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the weights in place."""
        self.fresh = False
        with torch.no_grad():
            torch._foreach_add_(self.weights, list(gradients), alpha=-self._rate)

    def keep(self, weights: list[Tensor]) -> None:
        """Go on with `weights`."""
        self.weights = weights


class AdamW:
    """AdamW with torch's defaults: betas 0.9 and 0.999, epsilon 1e-8, decay 0.01.

    Reference: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.
    """

    _BETAS, _EPSILON, _DECAY = (0.9, 0.999), 1e-8, 0.01

    def __init__(self, weights: Sequence[Tensor], rate: float) -> None:
        self.weights, self._rate, self._steps = list(weights), rate, 0
        self._means: list[Tensor] = []
        self._squares: list[Tensor] = []

    @property
    def fresh(self) -> bool:
        """True before the first step."""
        return not self._steps

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the weights in place."""
        slopes = list(gradients)
        if self.fresh:
            self._means = [torch.zeros_like(tensor) for tensor in self.weights]
            self._squares = [torch.zeros_like(tensor) for tensor in self.weights]
        self._steps += 1
        first, second = (1 - beta**self._steps for beta in self._BETAS)
        with torch.no_grad():
            torch._foreach_mul_(self.weights, 1 - self._rate * self._DECAY)
            torch._foreach_lerp_(self._means, slopes, 1 - self._BETAS[0])
            torch._foreach_mul_(self._squares, self._BETAS[1])
            torch._foreach_addcmul_(self._squares, slopes, slopes, 1 - self._BETAS[1])
            spread = torch._foreach_sqrt(self._squares)
            torch._foreach_div_(spread, second**0.5)
            torch._foreach_add_(spread, self._EPSILON)
            torch._foreach_addcdiv_(self.weights, self._means, spread, -self._rate / first)

    def keep(self, weights: list[Tensor]) -> None:
        """Go on with `weights` and the memory of their clients."""
        self.weights = weights
        self._means, self._squares = (
            [memory[: len(tensor)] for memory, tensor in zip(part, weights, strict=True)]
            if part
            else part
            for part in (self._means, self._squares)
        )


RULES: Mapping[str, Callable[[Sequence[Tensor], float], Optimiser]] = {"sgd": Sgd, "adamw": AdamW}


def follow(optimiser: Optimiser, loss: Tensor, *, clip_norm: float, stacked: bool = False) -> None:
    """Move weights one step down the gradient of a loss.

    Args:
        optimiser: of these weights.
        loss: 0-d; the sum over clients for a stack.
        clip_norm: bound of the Euclidean norm of a client's gradient.
        stacked: True if clients are on the first axis of the weights.
    """
    weights = optimiser.weights
    gradients = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    if math.isfinite(clip_norm):
        axis = 1 if stacked else 0
        norms = torch.stack([vector_norm(g.flatten(axis), dim=-1) for g in gradients])
        shrink = (clip_norm / (vector_norm(norms, dim=0) + _TINY)).clamp(max=1.0)
        if shrink.min() < 1:
            shapes = [(-1,) + (1,) * (g.dim() - 1) if stacked else () for g in gradients]
            gradients = torch._foreach_mul(gradients, [shrink.view(shape) for shape in shapes])
    if optimiser.fresh:
        for tensor, gradient in zip(weights, gradients, strict=True):
            if gradient.stride() != tensor.stride():
                # Products of a stack give transposed gradients: sums of unlike orders are slow.
                tensor.data = torch.empty_like(gradient).copy_(tensor.data)
    optimiser.step(gradients)
