"""LoRA pairs stacked at the server: their mean product is exact, joins the base, and pairs restart.

The base is frozen for training and still moves, so a client downloads, beside the fresh pairs, all
stacks since it last took part (or their sum, where that is smaller), and its envelope pays for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.engine import Step, Trained
from qfl.federation.exchange import from_arrays, overlaid, single, without
from qfl.federation.lora import Pair, pair_names, pairs_of, shares_of, stacked
from qfl.federation.world import Participant, World
from qfl.models.keys import ModuleKey
from qfl.models.layers import ADAPTED
from qfl.models.m3t import State, submodel

_STACKED = "stacked|"
"""Before the id of a LoRA module: what its base has gained since the client last took part."""


class Stacking:
    """FLoRA at work (Wang et al., arXiv:2409.05976).

    Args:
        world: who takes part.
    """

    def __init__(self, world: World) -> None:
        self._modules = lora_modules(world.model.module_ids)
        fixed = [m for m in self._modules if not world.exchange[m].exchanged]
        fixed += [m for m in self._modules if world.exchange[m].fixed]
        if fixed:
            raise ConfigError(
                f"stacking merges whole pairs, and {fixed[0]} does not travel as a whole; take an "
                "exchange that sends LoRA, such as lora or peft"
            )
        self._world = world
        self._stacks: list[dict[tuple[str, str], Pair]] = []
        self._known: dict[int, int] = {}

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional client-side term."""
        return None

    def pack(self, participant: Participant, offered: State) -> State:
        """Return the modules with what their bases have gained beside them."""
        missed = self._stacks[self._known.get(participant.index, 0) :]
        if not missed:
            return offered
        return offered | {
            _STACKED + module: self._gained(module, missed)
            for module in self._modules
            if module in offered
        }

    def carried(self, participant: Participant, received: State) -> dict[str, Tensor]:
        """Return nothing: the base has moved already."""
        return {}

    def answer(self, participant: Participant, received: State, trained: Trained) -> State:
        """Return the trained modules; the client has seen all stacks so far."""
        self._known[participant.index] = len(self._stacks)
        return submodel(trained.state, [m for m in received if not m.startswith(_STACKED)])

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules: bases moved by the mean product, pairs fresh."""
        merged = overlaid(
            state, from_arrays(weighted_mean(without(update, self._modules) for update in updates))
        )
        stacks = {}
        for module in self._modules:
            senders = [update for update in updates if module in update.modules]
            if not senders:
                continue
            base = str(replace(ModuleKey.parse(module), kind="trunk"))
            moved = dict(merged[base])
            for matrix in ADAPTED:
                pair = stacked(pairs_of(senders, module, matrix), shares_of(senders, module))
                stacks[module, matrix] = pair
                moved[f"{matrix}.weight"] = moved[f"{matrix}.weight"] + single(pair.product)
            merged |= {base: moved, module: self._fresh(module)}
        self._stacks.append(stacks)
        return merged

    def tell(self) -> Mapping[str, float]:
        """Return the error of the merger: none."""
        return {"lora_error": 0.0} if self._stacks and self._stacks[-1] else {}

    def _gained(
        self, module: str, missed: Sequence[Mapping[tuple[str, str], Pair]]
    ) -> dict[str, Tensor]:
        """One pair per matrix for all stacks, or their sum where that is smaller."""
        found: dict[str, Tensor] = {}
        for matrix in ADAPTED:
            pairs = [stack[module, matrix] for stack in missed if (module, matrix) in stack]
            if not pairs:
                continue
            up = np.concatenate([pair.up for pair in pairs], axis=1)
            down = np.concatenate([pair.down for pair in pairs])
            if up.size + down.size < len(up) * down.shape[1]:
                names = pair_names(matrix)
                found |= dict(zip(names, map(single, (up, down)), strict=True))
            else:
                found[f"{matrix}.weight"] = single(up @ down)
        return found

    def _fresh(self, module: str) -> dict[str, Tensor]:
        """A pair that adds nothing yet, in directions of its own."""
        model, streams = self._world.model, self._world.streams
        tensors = {}
        for parameter in model.tensors_of(module):
            name, shape = model.module_of(parameter)[1], model.shapes[parameter]
            start = model.recipe.start(module, name, shape)
            rng = streams(f"lora/{module}.{name}", len(self._stacks) + 1)
            drawn = start.constant + start.spread * rng.standard_normal(shape)
            tensors[name] = single(drawn)
        return tensors


def lora_modules(modules: Iterable[str]) -> list[str]:
    """Return those of `modules` that hold LoRA pairs."""
    return [module for module in modules if ModuleKey.parse(module).kind == "lora"]
