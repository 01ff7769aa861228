"""Weights of one client or of many at once: what a layer needs so that a stack of clients trains in
one pass.

In a stack every weight has a leading axis, (K, ...) instead of (...), and samples keep one axis:
(K B, ...), client after client. So only what owns weights knows of clients; everything else treats
samples one by one and needs no change. The functions here take both kinds of weights.

A layer that owns weights and uses them through these functions alone is a `Stackable`.
"""

from __future__ import annotations

from torch import Tensor, addcmul, nn, relu
from torch.nn.functional import embedding, layer_norm, linear

from qfl.models.products import affine_of_each, perceptron_of_each


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
        rows = affine_of_each(_by_client(x, weight), weight, bias)
    return rows.reshape(*x.shape[:-1], weight.shape[-2])


def perceptron(x: Tensor, hidden: tuple[Tensor, Tensor], out: tuple[Tensor, Tensor]) -> Tensor:
    """Return the outputs of two layers with rectified units between them, (..., out).

    Args:
        x: (N, ..., in).
        hidden, out: weight and bias of each layer, as in `affine`.
    """
    if hidden[0].dim() == 2:
        return affine(relu(affine(x, *hidden)), *out)
    rows = perceptron_of_each(_by_client(x, hidden[0]), hidden, out)
    return rows.reshape(*x.shape[:-1], out[0].shape[-2])


def _by_client(x: Tensor, weights: Tensor) -> Tensor:
    """Return (N, ..., d) as (K, B, d)."""
    return x.reshape(len(weights), -1, x.shape[-1])


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
