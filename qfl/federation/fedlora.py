"""FedAvg whose LoRA pairs are merged as pairs, of one rank or of several; see `averaging.lora`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from qfl.core.errors import UnknownNameError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.averaging.lora import (
    RULES,
    Pair,
    aggregation_error,
    averaged,
    pair_names,
    pairs_of,
    shares_of,
)
from qfl.federation.averaging.stacking import Stacking, lora_modules
from qfl.federation.engine import Step
from qfl.federation.exchange import from_arrays, overlaid, single, without
from qfl.federation.world import World
from qfl.models.layers import ADAPTED
from qfl.models.m3t import State

Rule = Literal["average", "partition", "decompose", "stack"]


@dataclass(frozen=True, slots=True)
class FedLora:
    """FedAvg, but LoRA pairs are merged by a rule of their own.

    Attributes:
        lora_rule: average each factor (FedIT, and HetLoRA where ranks differ), partition by rank
            (raFLoRA), decompose the mean product (FlexLoRA), or stack all pairs, whose product
            joins the base (FLoRA; see `averaging.stacking`).
    """

    lora_rule: Rule = "decompose"

    def __post_init__(self) -> None:
        if self.lora_rule not in RULES:
            raise UnknownNameError("lora_rule", self.lora_rule, RULES)

    def start(self, world: World) -> MergingPairs | Stacking:
        """Return it at work."""
        return Stacking(world) if self.lora_rule == "stack" else MergingPairs(self.lora_rule)


class MergingPairs:
    """The algorithm at work: remembers what the last merger missed."""

    def __init__(self, rule: Rule) -> None:
        self.rule = RULES[rule]
        self.missed: list[float] = []

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional client-side term."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules; one that nobody sent stays as it was."""
        self.missed = []
        pairs = lora_modules(state)
        mean = weighted_mean(without(update, pairs) for update in updates)
        merged = overlaid(state, from_arrays(mean))
        for module in pairs:
            senders = [update for update in updates if module in update.modules]
            if senders:
                merged[module] = {**state[module], **self._merged(module, senders, state[module])}
        return merged

    def tell(self) -> Mapping[str, float]:
        """Return the mean over the adapted matrices of what the rule missed in the last round."""
        return {"lora_error": float(np.mean(self.missed))} if self.missed else {}

    def _merged(
        self, module: str, senders: Sequence[Update], present: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the merged factors that were sent; a fixed one is the server's, for everybody."""
        shares = shares_of(senders, module)
        found: dict[str, Tensor] = {}
        fixed = pair_names(ADAPTED[0])[1] not in senders[0].modules[module]
        if fixed:
            senders = [_completed(update, module, present) for update in senders]
        for matrix in ADAPTED:
            pairs = pairs_of(senders, module, matrix)
            up, down = pair_names(matrix)
            held = Pair(*(present[name].double().numpy() for name in (up, down)))
            pair = (averaged if fixed else self.rule)(pairs, shares)
            if fixed:  # a smaller rank has the first terms of the same factor: no mean of it
                pair = Pair(pair.up, held.down[: pair.rank])
            self.missed.append(aggregation_error(pairs, shares, pair))
            whole = _with_rest(pair, held)
            found |= {up: single(whole.up)} | ({} if fixed else {down: single(whole.down)})
        return found


def _with_rest(pair: Pair, present: Pair) -> Pair:
    """Put the terms of the server's pair that nobody sent behind those that were merged."""
    return Pair(
        np.concatenate([pair.up, present.up[:, pair.rank :]], axis=1),
        np.concatenate([pair.down, present.down[pair.rank :]]),
    )


def _completed(update: Update, module: str, present: Mapping[str, Tensor]) -> Update:
    """Put the factors that are fixed back into an update, cut to the rank of those that came."""
    tensors = dict(update.modules[module])
    for matrix in ADAPTED:
        up, down = pair_names(matrix)
        tensors[down] = present[down].numpy()[: tensors[up].shape[1]]
    return Update({module: tensors}, {module: update.samples[module]})
