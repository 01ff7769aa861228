"""LoRA pairs stacked at the server: their mean product is exact, joins the base, and pairs restart.

The base is frozen for training and still moves. A client downloads, beside the fresh pairs, the
stacks of all rounds since it last took part (or the matrix itself, where that is smaller), its
envelope pays for them, and it moves its own base by them: the same bits as the server's. Where the
base travels anyway, it comes whole and no stack beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.averaging.lora import pair_names, pairs_of, shares_of, stacked
from qfl.federation.engine import Step, Trained
from qfl.federation.exchange import from_arrays, overlaid, single, without
from qfl.federation.world import Participant, World
from qfl.models.keys import ModuleKey
from qfl.models.layers import ADAPTED
from qfl.models.m3t import State, submodel

Factors = tuple[Tensor, Tensor]
"""Up and down of a stacked pair, as they travel."""
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
        bases = {module: base_of(module) for module in self._modules}
        if own := [b for b in bases.values() if world.exchange[b].placement == "local"]:
            raise ConfigError(
                f"stacked pairs join {own[0]}, and every client keeps its own; let it be frozen or "
                "global"
            )
        self._world = world
        self._frozen = {m: b for m, b in bases.items() if not world.exchange[b].exchanged}
        self._stacks: list[dict[tuple[str, str], Factors]] = []
        self._present: dict[tuple[str, str], Tensor] = {}
        self._known: dict[int, int] = {}
        self._bases: dict[int, State] = {}

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional client-side term."""
        return None

    def pack(self, participant: Participant, offered: State) -> State:
        """Return the modules with what their frozen bases have gained beside them."""
        missed = self._stacks[self._known.get(participant.index, 0) :]
        if not missed:
            return offered
        return offered | {
            _STACKED + module: self._gained(module, missed)
            for module in self._frozen
            if module in offered
        }

    def unpack(self, participant: Participant, held: State, received: State) -> State:
        """Return the client's modules, its frozen bases moved by what came; it knows all stacks so
        far."""
        own = self._bases.get(participant.index, {})
        held, moved = overlaid(held, own), {}
        for module, base in self._frozen.items():
            if gained := received.get(_STACKED + module):
                moved[base] = _raised(held[base], gained)
        self._bases[participant.index] = overlaid(own, moved)
        self._known[participant.index] = len(self._stacks)
        return overlaid(held, moved)

    def carried(self, participant: Participant, received: State) -> dict[str, Tensor]:
        """Return nothing: the base has moved already."""
        return {}

    def answer(self, participant: Participant, received: State, trained: Trained) -> State:
        """Return the trained modules."""
        return submodel(trained.state, [m for m in received if not m.startswith(_STACKED)])

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules: bases moved by the mean product, pairs fresh."""
        merged = overlaid(
            state, from_arrays(weighted_mean(without(update, self._modules) for update in updates))
        )
        stacks: dict[tuple[str, str], Factors] = {}
        for module in self._modules:
            senders = [update for update in updates if module in update.modules]
            if not senders:
                continue
            base = base_of(module)
            moved = dict(merged[base])
            for matrix in ADAPTED:
                pair = stacked(pairs_of(senders, module, matrix), shares_of(senders, module))
                stacks[module, matrix] = single(pair.up), single(pair.down)
                name = f"{matrix}.weight"
                moved[name] = _added(moved[name], *stacks[module, matrix])
                self._present[module, matrix] = moved[name]
            merged |= {base: moved, module: self._fresh(module)}
        self._stacks.append(stacks)
        return merged

    def tell(self) -> Mapping[str, float]:
        """Return the error of the merger: none."""
        return {"lora_error": 0.0} if self._stacks and self._stacks[-1] else {}

    def _gained(
        self, module: str, missed: Sequence[Mapping[tuple[str, str], Factors]]
    ) -> dict[str, Tensor]:
        """The factors of every missed round, or the matrix itself where that is smaller."""
        found: dict[str, Tensor] = {}
        for matrix in ADAPTED:
            rounds = [stack[module, matrix] for stack in missed if (module, matrix) in stack]
            if not rounds:
                continue
            present = self._present[module, matrix]
            if sum(up.numel() + down.numel() for up, down in rounds) >= present.numel():
                found[f"{matrix}.weight"] = present
                continue
            for place, factors in enumerate(rounds):
                names = pair_names(matrix)
                found |= {f"{place}/{n}": f for n, f in zip(names, factors, strict=True)}
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


def base_of(module: str) -> str:
    """Return the id of the module whose matrices a LoRA module adapts.

    >>> base_of("lora:*:*:*:0")
    'trunk:*:*:*:0'
    """
    return str(replace(ModuleKey.parse(module), kind="trunk"))


def _raised(base: Mapping[str, Tensor], gained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what a client makes of its base with what came: round after round, or all at once."""
    found = dict(base)
    for matrix in ADAPTED:
        name, (up, down) = f"{matrix}.weight", pair_names(matrix)
        if name in gained:
            found[name] = gained[name]
        place = 0
        while f"{place}/{up}" in gained:
            found[name] = _added(found[name], gained[f"{place}/{up}"], gained[f"{place}/{down}"])
            place += 1
    return found


def _added(matrix: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """Return a matrix with the product of two factors added, the same bits on both sides."""
    return matrix + (up.double() @ down.double()).float()


def lora_modules(modules: Iterable[str]) -> list[str]:
    """Return those of `modules` that hold LoRA pairs."""
    return [module for module in modules if ModuleKey.parse(module).kind == "lora"]
