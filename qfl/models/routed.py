"""Experts that compute only the tokens sent to them.

A top-k gate leaves most of the work of `experts.mix` to be multiplied by zero. Here the tokens of
each expert are gathered, expert by expert and client by client, and what they give is added up
where it came from. Which token goes where is read off the gates, so that this does not run under
`torch.func` transforms, and it is differentiated once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import gelu

from qfl.models.experts import Expert

ROUTED_WIDTH = 64
"""Narrower experts take less time than finding their tokens."""


def mix_routed(experts: Sequence[Expert], x: Tensor, gates: Tensor, places: Tensor) -> Tensor:
    """Return sum_j gates[..., places_j] expert_{places_j}(x), shape of x: what `mix` returns where
    the gates of all other experts are zero.

    Args:
        experts: E of them, of one width d; weights of one client or of a stack.
        x: (N, T, d).
        gates: (N, T, E).
        places: (N, T, c) int64, the c experts of each token, all different.
    """
    layers = [layer for expert in experts for layer in (expert.hidden, expert.out)]
    weights = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
    chosen, rows = gates.gather(-1, places), x.reshape(-1, x.shape[-1])
    shape = (-1, places.shape[-1])
    apply = cast(Callable[..., Tensor], _Routed.apply)
    return apply(rows, chosen.reshape(shape), places.reshape(shape), *weights).reshape(x.shape)


class _Routed(torch.autograd.Function):
    """Tokens (M, d), their gates and experts (M, c), and of every expert the weight and bias of
    both layers -> (M, d)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gates: Tensor, places: Tensor, *weights: Tensor) -> Tensor:
        own = [tensor if weights[0].dim() == 3 else tensor[None] for tensor in weights]
        order, slots, counts = _sorted(places, len(own[0]), len(own) // 4)
        width = own[0].shape[1]
        rows = x.index_select(0, order // places.shape[1])
        before, after = rows.new_empty(len(rows), width), rows.new_empty(len(rows), width)
        out = torch.empty_like(rows)
        for part, client, (first, shift, last, offset) in _parts(counts, own):
            torch.addmm(shift[client], rows[part], first[client].T, out=before[part])
            after[part] = gelu(before[part])
            torch.addmm(offset[client], after[part], last[client].T, out=out[part])
        picked = out.index_select(0, slots).view(*places.shape, -1)
        ctx.counts = counts
        ctx.save_for_backward(gates, order, slots, rows, before, after, picked, *weights)
        mixed = picked[:, 0] * gates[:, :1]
        for slot in range(1, places.shape[1]):
            mixed.addcmul_(picked[:, slot], gates[:, slot : slot + 1])
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        gates, order, slots, rows, before, after, picked, *weights = ctx.saved_tensors
        stacked = weights[0].dim() == 3
        own = [tensor if stacked else tensor[None] for tensor in weights]
        slopes = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in own]
        chosen = gates.shape[1]
        behind = slope.index_select(0, order // chosen)
        behind *= gates.reshape(-1, 1).index_select(0, order)
        ahead = torch.empty_like(rows)
        trained = any(ctx.needs_input_grad[3:])
        both = zip(_parts(ctx.counts, own), _parts(ctx.counts, slopes), strict=True)
        for (part, client, (first, _, last, _)), (_, _, changes) in both:
            d_first, d_shift, d_last, d_offset = changes
            inside = torch.ops.aten.gelu_backward(behind[part] @ last[client], before[part])
            torch.mm(inside, first[client], out=ahead[part])
            if trained:
                torch.mm(inside.T, rows[part], out=d_first[client])
                torch.mm(behind[part].T, after[part], out=d_last[client])
                torch.sum(inside, 0, out=d_shift[client])
                torch.sum(behind[part], 0, out=d_offset[client])
        d_x = ahead.index_select(0, slots).view(picked.shape).sum(1)
        d_gates = (picked * slope[:, None]).sum(-1)
        found = [s if stacked else s[0] for s in slopes] if trained else [None] * len(slopes)
        return d_x, d_gates, None, *found


def _sorted(places: Tensor, clients: int, experts: int) -> tuple[Tensor, Tensor, list[list[int]]]:
    """Return the order that brings the (token, choice) pairs together by client and expert, the
    place of each pair in it, and how many pairs there are, [client][expert]."""
    tokens = len(places) // clients
    client = torch.arange(clients).repeat_interleave(tokens * places.shape[1])
    keys = (client * experts).to(places.device) + places.flatten()
    order = keys.argsort(stable=True)
    slots = torch.empty_like(order)
    slots[order] = torch.arange(len(order), device=order.device)
    counts = torch.bincount(keys, minlength=clients * experts).view(clients, experts)
    return order, slots, counts.tolist()


def _parts(
    counts: list[list[int]], tensors: Sequence[Tensor]
) -> Iterator[tuple[slice, int, Sequence[Tensor]]]:
    """Yield, in the order of `_sorted`, the rows of an expert, its client, and its four tensors."""
    start = 0
    for client, each in enumerate(counts):
        for expert, count in enumerate(each):
            yield slice(start, start + count), client, tensors[4 * expert : 4 * expert + 4]
            start += count
