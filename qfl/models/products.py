"""x W^T + b for a stack of clients, and its gradients, by the compiled products of `kernels`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_COMPILED = importlib.util.find_spec("llvmlite") is not None
_THREADS = ContextVar("threads", default=1)
_WORTH = 1 << 17
"""Multiplications of all clients below which torch's own way is as fast."""


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
    if clients * samples * width * layers[0][0].shape[1] < _WORTH:
        return False
    if min(samples, width) < kernels().LEAST_COLUMNS:  # also the columns of a weight's gradient
        return False
    if x.dtype != torch.float32 or x.device.type != "cpu":
        return False
    for weight, bias in layers:
        out = weight.shape[1]
        if out < kernels().LEAST_ROWS or weight.shape != (clients, out, width):
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
        chain = _Chain(x)
        out = chain.outputs(x, weight, bias)
        chain.run()
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        slope, chain = _lined(slope), _Chain(x)
        found = (
            chain.product(slope, weight) if of_x else None,
            chain.product(slope.mT, x) if of_weight else None,
            chain.sums(slope) if of_bias else None,
        )
        chain.run()
        return found


class _Perceptron(torch.autograd.Function):
    """Those of `perceptron_of_each`: one step of the graph instead of three."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, first: Tensor, bias: Tensor, last: Tensor, end: Tensor
    ) -> Tensor:
        x, first, last = _lined(x), _lined(first), _lined(last)
        chain = _Chain(x)
        hidden = chain.outputs(x, first, bias, rectified=True)
        out = chain.outputs(hidden, last, end)
        chain.run()
        ctx.save_for_backward(x, first, hidden, last)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, first, hidden, last = ctx.saved_tensors
        of_x, of_first, of_bias, of_last, of_end = ctx.needs_input_grad
        slope, chain = _lined(slope), _Chain(x)
        found = [
            chain.product(slope.mT, hidden) if of_last else None,
            chain.sums(slope) if of_end else None,
        ]
        if of_x or of_first or of_bias:
            slope = chain.product(slope, last, mask=hidden)
        found = [
            chain.product(slope, first) if of_x else None,
            chain.product(slope.mT, x) if of_first else None,
            chain.sums(slope) if of_bias else None,
            *found,
        ]
        chain.run()
        return tuple(found)


class _Chain:
    """Links of `kernels.run`, which are computed when `run` is called."""

    def __init__(self, like: Tensor) -> None:
        self._new, self._clients = like.new_empty, len(like)
        self._words: list[int] = []
        self._room = 0
        self._kept: list[Tensor | None] = []  # whose memory the words point to

    def outputs(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, *, rectified: bool = False
    ) -> Tensor:
        """Add x W^T + b of every client, or its positive part."""
        (_, samples, into), rows = x.shape, weight.shape[1]
        out = self._new((self._clients, samples, rows))
        begin = _zeros(rows) if bias is None else bias.contiguous()
        self._kept += (weight, x, begin)
        self._room = max(self._room, 4 * into * samples)
        self._words += (
            *(kernels().TURNED, rows, into, samples, rectified),
            *(weight.data_ptr(), *_bytes(weight)),
            *(x.data_ptr(), *_bytes(x)[:2]),
            *(begin.data_ptr(), 0 if bias is None else 4 * rows),
            *(out.data_ptr(), 4 * samples * rows, 4 * rows),
            *(0, 0, 0),
        )
        return out

    def product(self, a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
        """Add a b of every client, (K, M, N), for a of (K, M, D) and b of (K, D, N); 0 where mask,
        (K, M, N), is not positive."""
        (_, rows, depth), columns = a.shape, b.shape[2]
        if rows < kernels().LEAST_ROWS or columns < kernels().LEAST_COLUMNS:
            self.run()
            out = torch.bmm(a, b)
            return out if mask is None else torch.ops.aten.threshold_backward(out, mask, 0)
        out = self._new((self._clients, rows, columns))
        steps = (0, 0) if mask is None else _bytes(mask)[:2]
        self._kept += (a, b, mask)
        self._words += (
            *(kernels().PLAIN, rows, depth, columns, 0),
            *(a.data_ptr(), *_bytes(a)),
            *(b.data_ptr(), *_bytes(b)[:2]),
            *(_zeros(rows).data_ptr(), 0),
            *(out.data_ptr(), 4 * rows * columns, 4 * columns),
            *((_ones(columns) if mask is None else mask).data_ptr(), *steps),
        )
        return out

    def sums(self, a: Tensor) -> Tensor:
        """Add the sum of the lines of every client, (K, N), for a of (K, M, N)."""
        (_, rows, columns), out = a.shape, self._new((self._clients, a.shape[2]))
        self._kept.append(a)
        self._words += (
            *(kernels().SUMS, rows, 0, columns, 0),
            *(a.data_ptr(), *_bytes(a)),
            *(0, 0, 0, 0, 0),
            *(out.data_ptr(), 4 * columns, 0),
            *(0, 0, 0),
        )
        return out

    def run(self) -> None:
        """Compute what was added since the last run."""
        if not self._words:
            return
        threads = _THREADS.get()
        room = self._new(threads * self._room // 4)
        kernels().run(
            self._clients,
            self._words,
            room=room.data_ptr(),
            room_of_a_thread=self._room,
            threads=threads,
        )
        self._words, self._kept = [], []


@cache
def kernels() -> ModuleType:
    """Return `qfl.models.kernels`, whose compiler is loaded when a stack first multiplies."""
    return importlib.import_module("qfl.models.kernels")


def _bytes(matrices: Tensor) -> tuple[int, int, int]:
    """Return the steps from client to client, line to line and number to number."""
    client, line, number = matrices.stride()
    return 4 * client, 4 * line, 4 * number


def _lined(matrices: Tensor) -> Tensor:
    """Return matrices whose lines are unbroken."""
    unbroken = matrices.stride(-1) == 1 or matrices.shape[-1] == 1
    return matrices if unbroken else matrices.contiguous()


@cache
def _zeros(count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.float32)


@cache
def _ones(count: int) -> Tensor:
    return torch.ones(count, dtype=torch.float32)
