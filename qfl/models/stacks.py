"""Weights of one client or of many at once: what a layer needs so that a stack of clients trains in
one pass.

In a stack every weight has a leading axis, (K, ...) instead of (...), and samples keep one axis:
(K B, ...), client after client. So only what owns weights knows of clients; everything else treats
samples one by one and needs no change. The functions here take both kinds of weights.

A layer that owns weights and uses them through these functions alone is a `Stackable`.
"""

from __future__ import annotations

from torch import Tensor, addcmul, baddbmm, bmm, nn
from torch.nn.functional import embedding, layer_norm, linear


class Stackable(nn.Module):
    """A layer whose weights may be those of a stack. A mark: it adds nothing."""


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x W^T + b, (..., out).

    Args:
        x: (N, ..., in).
        weight: (out, in) or (K, out, in).
        bias: (out,) or (K, out).
    """
    if weight.dim() == 2:
        rows = linear(x.reshape(-1, x.shape[-1]), weight, bias)
    else:
        own = x.reshape(weight.shape[0], -1, x.shape[-1])
        rows = bmm(own, weight.mT) if bias is None else baddbmm(bias[:, None], own, weight.mT)
    return rows.reshape(*x.shape[:-1], weight.shape[-2])


def scaled(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return scale x + shift along the last axis.

    Args:
        x: (N, ..., d).
        scale, shift: (d,) or (K, d).
    """
    if scale.dim() == 1:
        return addcmul(shift, x, scale)
    rows = x.reshape(len(scale), -1, x.shape[-1])
    return addcmul(shift[:, None], rows, scale[:, None]).reshape(x.shape)


def normalised(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return the layer norm of x over its last axis; arguments as in `scaled`."""
    if scale.dim() == 1:
        return layer_norm(x, x.shape[-1:], scale, shift)
    return scaled(layer_norm(x, x.shape[-1:]), scale, shift)


def added(x: Tensor, weights: Tensor, axes: int) -> Tensor:
    """Return x + weights, which have `axes` axes without those of a stack."""
    if weights.dim() == axes:
        return x + weights
    clients = len(weights)
    own = x.reshape(clients, -1, *x.shape[1:])
    ones = [1] * (own.dim() - weights.dim())
    return (own + weights.reshape(clients, *ones, *weights.shape[1:])).reshape(x.shape)


def for_each(weights: Tensor, axes: int, samples: int) -> Tensor:
    """Return the weights that each of `samples` samples meets, (samples, ...)."""
    if weights.dim() == axes:
        return weights.expand(samples, *weights.shape)
    clients, *shape = weights.shape
    return weights[:, None].expand(clients, samples // clients, *shape).flatten(0, 1)


def looked_up(rows: Tensor, table: Tensor) -> Tensor:
    """Return rows of a table, (N, ..., d).

    Args:
        rows: (N, ...) int64.
        table: (count, d) or (K, count, d).
    """
    if table.dim() == 2:
        return embedding(rows, table)
    first = rows.new_tensor(range(len(table))) * table.shape[1]
    return embedding(added(rows, first, 0), table.flatten(0, 1))
