"""What a forward pass leaves behind besides its outputs.

The caller hands in an empty `Notes` and reads it inside the same differentiated function; that is
how losses beyond those of the tasks see the inside of a model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(slots=True, eq=False)
class Notes:
    """Filled in by `Architecture.forward`, all but `weights`, `clients` and `by_value`.

    Attributes:
        weights: of the samples, handed in: 0 for those that only fill a batch up; None for equal
            ones.
        clients: handed in: how many clients the samples belong to, one after another, if weights
            are those of a stack; numbers that are not per sample then have a first axis for them.
        by_value: handed in: True lets a model look at numbers to save work, which is not possible
            inside a transform of `torch.func`.
        balance: one load-balancing term per block with a learned gate; 1 is perfect balance.
        routed: expert id -> number of tokens that it handled (a 0-d tensor).
        latents: modality -> (B, d) mean of its tokens, before the trunk.
        readouts: task -> (B, d) what its head reads; tagging reads single tokens and has none.
        log_variances: task -> (1,) learned logarithm of the variance of its numbers.
    """

    weights: Tensor | None = None
    clients: int | None = None
    by_value: bool = False
    balance: list[Tensor] = field(default_factory=list)
    routed: dict[str, Tensor] = field(default_factory=dict)
    latents: dict[str, Tensor] = field(default_factory=dict)
    readouts: dict[str, Tensor] = field(default_factory=dict)
    log_variances: dict[str, Tensor] = field(default_factory=dict)

    @property
    def rows(self) -> Tensor | None:
        """(B,) bool, the samples that count in the statistics of a gate; None for all."""
        return None if self.weights is None else self.weights.flatten() > 0

    @property
    def joint(self) -> Tensor:
        """(B, d) the mean of what the heads of all tasks read."""
        return torch.stack(list(self.readouts.values())).mean(0)

    def by_client(self, x: Tensor) -> Tensor:
        """Return (B, ...) with the clients of a stack on an axis of their own, (K, B / K, ...)."""
        return x if self.clients is None else x.reshape(self.clients, -1, *x.shape[1:])
