"""FedAvg whose LoRA pairs are merged as pairs, of one rank or of several; see `lora`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import UnknownNameError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.engine import Step
from qfl.federation.exchange import from_arrays, overlaid
from qfl.federation.lora import RULES, Pair, aggregation_error, averaged
from qfl.federation.world import World
from qfl.models.keys import ModuleKey
from qfl.models.layers import ADAPTED
from qfl.models.m3t import State

Rule = Literal["average", "partition", "decompose"]


@dataclass(frozen=True, slots=True)
class FedLora:
    """FedAvg, but LoRA pairs are merged by a rule of their own.

    Attributes:
        lora_rule: average each factor (FedIT, and HetLoRA where ranks differ), partition by rank
            (raFLoRA), or decompose the mean product (FlexLoRA).
    """

    lora_rule: Rule = "decompose"

    def __post_init__(self) -> None:
        if self.lora_rule not in (allowed := ("average", "partition", "decompose")):
            raise UnknownNameError("lora_rule", self.lora_rule, allowed)

    def start(self, world: World) -> MergingPairs:
        """Return it at work."""
        return MergingPairs(self.lora_rule)


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
        plain = [_without_lora(update) for update in updates]
        merged = overlaid(state, from_arrays(weighted_mean(plain)))
        for module in state:
            senders = [update for update in updates if module in update.modules]
            if _is_lora(module) and senders:
                merged[module] = {**state[module], **self._merged(module, senders, state[module])}
        return merged

    def tell(self) -> Mapping[str, float]:
        """Return the mean over the adapted matrices of what the rule missed in the last round."""
        return {"lora_error": float(np.mean(self.missed))} if self.missed else {}

    def _merged(
        self, module: str, senders: Sequence[Update], present: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the merged factors that were sent; a fixed one is the server's, for everybody."""
        counts = np.array([update.samples[module] for update in senders], dtype=np.float64)
        shares = list(counts / counts.sum())
        found: dict[str, Tensor] = {}
        for matrix in ADAPTED:
            up, down = f"{matrix}_up.weight", f"{matrix}_down.weight"
            ups = [_double(update.modules[module][up]) for update in senders]
            fixed = down not in senders[0].modules[module]
            if fixed:
                downs = [_double(present[down].numpy()[: one.shape[1]]) for one in ups]
            else:
                downs = [_double(update.modules[module][down]) for update in senders]
            pairs = [Pair(*both) for both in zip(ups, downs, strict=True)]
            pair = averaged(pairs, shares) if fixed else self.rule(pairs, shares)
            self.missed.append(aggregation_error(pairs, shares, pair))
            found |= {up: _single(pair.up)} | ({} if fixed else {down: _single(pair.down)})
        return found


def _is_lora(module: str) -> bool:
    return ModuleKey.parse(module).kind == "lora"


def _without_lora(update: Update) -> Update:
    kept = [module for module in update.modules if not _is_lora(module)]
    return Update(
        {module: update.modules[module] for module in kept},
        {module: update.samples[module] for module in kept},
    )


def _double(array: NDArray[np.float32]) -> NDArray[np.float64]:
    return array.astype(np.float64)


def _single(array: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
