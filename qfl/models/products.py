"""x W^T + b for a stack of clients, and its gradients, by the compiled products of `kernels`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

if _COMPILED := importlib.util.find_spec("llvmlite") is not None:
    from qfl.models.kernels import LEAST_COLUMNS, LEAST_ROWS, Products

_THREADS = ContextVar("threads", default=1)
_WORTH = 1 << 15
"""Multiplications per client below which torch's own way is as fast."""


@contextmanager
def shared_by(threads: int) -> Iterator[None]:
    """Let threads share the clients of every product meanwhile. Those that wait for the next one
    are spinning: this is for cores that nobody else needs."""
    before = _THREADS.set(threads)
    try:
        yield
    finally:
        _THREADS.reset(before)


def affine_of_each(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x W^T + b of every client, (K, B, out).

    Args:
        x: (K, B, in).
        weight: (K, out, in).
        bias: (K, out).
    """
    if _COMPILED and _suit(x, (weight, bias)):
        found: Tensor = _Affine.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return found
    own = weight.mT
    return torch.bmm(x, own) if bias is None else torch.baddbmm(bias[:, None], x, own)


def perceptron_of_each(
    x: Tensor, hidden: tuple[Tensor, Tensor], out: tuple[Tensor, Tensor]
) -> Tensor:
    """Return the outputs of two layers with rectified units between them, (K, B, out).

    Args:
        x: (K, B, in).
        hidden: weight and bias, as in `affine_of_each`.
        out: those of the second layer.
    """
    if _COMPILED and _suit(x, hidden, out):
        found: Tensor = _Perceptron.apply(x, *hidden, *out)  # type: ignore[no-untyped-call]
        return found
    return affine_of_each(torch.relu(affine_of_each(x, *hidden)), *out)


def _suit(x: Tensor, *layers: tuple[Tensor, Tensor | None]) -> bool:
    """Whether these are for the compiled products, which look at no shape again: what does not fit
    is left to torch, which says so."""
    clients, samples, width = x.shape
    if samples < LEAST_COLUMNS or samples * width * layers[0][0].shape[1] < _WORTH:
        return False
    if x.dtype != torch.float32 or x.device.type != "cpu":
        return False
    for weight, bias in layers:
        out = weight.shape[1]
        if out < LEAST_ROWS or weight.shape != (clients, out, width):
            return False
        if bias is not None and (bias.shape != (clients, out) or bias.dtype != x.dtype):
            return False
        if weight.dtype != x.dtype or weight.device != x.device:
            return False
        width = out
    return True


class _Affine(torch.autograd.Function):
    """The products of `affine_of_each`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        x, weight = _lined(x), _lined(weight)
        ctx.save_for_backward(x, weight)
        return _outputs(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            _product(slope, weight) if of_x else None,
            _product(slope.mT, x) if of_weight else None,
            slope.sum(1) if of_bias else None,
        )


class _Perceptron(torch.autograd.Function):
    """Those of `perceptron_of_each`: one step of the graph instead of three."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, first: Tensor, bias: Tensor, last: Tensor, end: Tensor
    ) -> Tensor:
        x, first, last = _lined(x), _lined(first), _lined(last)
        hidden = _outputs(x, first, bias, rectified=True)
        ctx.save_for_backward(x, first, hidden, last)
        return _outputs(hidden, last, end)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, first, hidden, last = ctx.saved_tensors
        of_x, of_first, of_bias, of_last, of_end = ctx.needs_input_grad
        found = [_product(slope.mT, hidden) if of_last else None, slope.sum(1) if of_end else None]
        if of_x or of_first or of_bias:
            slope = torch.ops.aten.threshold_backward(_product(slope, last), hidden, 0)
        return (
            _product(slope, first) if of_x else None,
            _product(slope.mT, x) if of_first else None,
            slope.sum(1) if of_bias else None,
            *found,
        )


def _outputs(x: Tensor, weight: Tensor, bias: Tensor | None, *, rectified: bool = False) -> Tensor:
    """Return x W^T + b of every client, or its positive part."""
    out = x.new_empty(*x.shape[:2], weight.shape[1])
    start = None if bias is None else bias.contiguous()
    _run(weight, x, out, start, transposed=True, rectified=rectified)
    return out


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return a b of every client, (K, M, N), for a of (K, M, D) and b of (K, D, N)."""
    if a.shape[1] < LEAST_ROWS or b.shape[2] < LEAST_COLUMNS:
        return torch.bmm(a, b)
    out = a.new_empty(len(a), a.shape[1], b.shape[2])
    _run(a, b, out)
    return out


def _run(
    a: Tensor,
    b: Tensor,
    out: Tensor,
    start: Tensor | None = None,
    *,
    transposed: bool = False,
    rectified: bool = False,
) -> None:
    """Write start + a b, or from b^T its transpose; see `kernels.Products`."""
    (clients, rows, depth), threads = a.shape, _THREADS.get()
    columns = b.shape[1 if transposed else 2]
    begin = _zeros(rows) if start is None else start
    room = b.new_empty(threads * depth * columns)
    _products(transposed)(
        *(clients, rows, depth, columns, rectified),
        *(a.data_ptr(), *(4 * step for step in a.stride())),
        *(b.data_ptr(), 4 * b.stride(0), 4 * b.stride(1)),
        *(begin.data_ptr(), 0 if start is None else 4 * rows),
        *(out.data_ptr(), 4 * out.stride(0), 4 * out.stride(1)),
        room.data_ptr(),
        threads=threads,
    )


@cache
def _products(transposed: bool) -> Products:
    return Products(transposed=transposed)


def _lined(matrices: Tensor) -> Tensor:
    """Return matrices whose lines are unbroken."""
    unbroken = matrices.stride(-1) == 1 or matrices.shape[-1] == 1
    return matrices if unbroken else matrices.contiguous()


@cache
def _zeros(count: int) -> Tensor:
    return torch.zeros(count)
