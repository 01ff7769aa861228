"""Mixtures of experts: who of several feed-forward networks handles which token, and how much.

All experts compute every token (two matrix products in all), and a gate weighs them. A top-k gate
is a dense 0/1 mask, so that shapes never depend on data; `routed` saves what the mask throws away.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from qfl.models.layers import Linear
from qfl.models.stacks import affine


class Expert(nn.Module):
    """A feed-forward network d -> 2d -> d."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = Linear(width, 2 * width)
        self.out = Linear(2 * width, width)


def mix(experts: Sequence[Expert], x: Tensor, gates: Tensor) -> Tensor:
    """Return sum_e gates[..., e] expert_e(x), shape of x.

    Args:
        experts: E of them, of one width d.
        x: (B, T, d).
        gates: (B, T, E), zero where an expert does not take part.
    """
    weight = torch.cat([expert.hidden.weight for expert in experts], dim=-2)
    bias = torch.cat([expert.hidden.bias for expert in experts], dim=-1)
    hidden = gelu(affine(x, weight, bias))
    parts = hidden.reshape(*hidden.shape[:-1], len(experts), -1) * gates[..., None]
    out = torch.cat([expert.out.weight for expert in experts], dim=-1)
    offsets = torch.stack([expert.out.bias for expert in experts], dim=-1)
    return affine(parts.flatten(-2), out) + affine(gates, offsets)


def top_gates(probabilities: Tensor, keep: int) -> Tensor:
    """Return the `keep` largest probabilities of the last axis, made to sum to one; others zero.

    >>> top_gates(torch.tensor([0.5, 0.3, 0.2]), 2).tolist()
    [0.625, 0.375, 0.0]
    """
    places = probabilities.topk(keep, dim=-1).indices
    mask = torch.zeros_like(probabilities).scatter(-1, places, 1.0)
    kept = probabilities * mask
    return kept / kept.sum(-1, keepdim=True)


def balance_loss(probabilities: Tensor, gates: Tensor, present: Tensor) -> Tensor:
    """Return E sum_e f_e p_e: 1 for perfect balance, more where few experts take all tokens.

    Args:
        probabilities: (..., B, T, E) of the gate; the result has the leading axes.
        gates: (..., B, T, E) what is left of them; an expert handles a token where this is not 0.
        present: (..., B, T) bool; padding does not count.

    Reference: Fedus, Zoph, Shazeer, arXiv:2101.03961, auxiliary load-balancing loss.
    """
    counted = present.to(probabilities.dtype)[..., None]
    tokens = counted.sum((-3, -2)).clamp(min=1.0)
    handled = ((gates > 0) * counted).sum((-3, -2))
    fraction = handled / handled.sum(-1, keepdim=True).clamp(min=1.0)
    mean = (probabilities * counted).sum((-3, -2)) / tokens
    return probabilities.shape[-1] * (fraction * mean).sum(-1)
