"""The multi-modal multi-task model, as an architecture without weights and a state of modules.

An `Architecture` lives on torch's meta device: it knows shapes, not numbers. The numbers are a
`State`: module id -> tensor name -> tensor. Clients hold, train, send and receive states; matching
is strict in both directions everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from qfl.core.errors import ConfigError, ModuleMismatchError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Task
from qfl.models.keys import ModuleKey
from qfl.models.notes import Notes
from qfl.models.pooled import Pooled
from qfl.models.recipes import Batch, Recipe
from qfl.models.stacks import Stackable
from qfl.models.vqc import ANGLES

State = dict[str, dict[str, Tensor]]
"""Module id -> tensor name -> tensor."""

_PREFIX = "modules_by_id."
_RESERVED = ".:|#@+~"


class Architecture(nn.Module):
    """The modules for some modalities and tasks, without weights.

    Attributes:
        modalities, tasks: names, in order.
        recipe: how it is built.
        shapes: parameter name -> shape, in model order.
        stackable: True if all layers take the weights of a stack of clients (see `stacks`).
    """

    def __init__(
        self, modalities: tuple[Modality, ...], tasks: tuple[Task, ...], recipe: Recipe
    ) -> None:
        super().__init__()
        self.modalities = tuple(modality.name for modality in modalities)
        self.tasks = tuple(task.name for task in tasks)
        self.recipe = recipe
        self._tasks = tasks
        for name in (*self.modalities, *self.tasks):
            if not name or set(name) & set(_RESERVED):
                raise ConfigError(f"{name!r} cannot name a modality or task; avoid {_RESERVED}")
        with torch.device("meta"):
            self.modules_by_id = nn.ModuleDict(recipe.build(modalities, tasks))
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self.named_parameters()}
        owners = [m for m in self.modules() if any(True for _ in m.parameters(recurse=False))]
        self.stackable = all(isinstance(module, Stackable) for module in owners)
        self._places = [
            (cast(dict[str, Any], module._parameters), name, f"{prefix}.{name}")
            for prefix, module in self.named_modules()
            for name, _ in module.named_parameters(recurse=False)
        ]
        self._multiplications = recipe.multiplications(self._by_id)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        available: Mapping[str, Tensor] | None = None,
        notes: Notes | None = None,
    ) -> dict[str, Tensor]:
        """Return task -> outputs.

        Args:
            inputs: modality -> (B, *shape), of the modalities that are shown.
            available: modality -> (B,), 0 for samples that lack it; others are complete.
            notes: filled with what losses on the inside of the model need.

        Raises:
            ModuleMismatchError: nothing is shown, or a modality that the model does not hold.
        """
        unknown = [name for name in (*inputs, *(available or {})) if name not in self.modalities]
        if unknown or not inputs:
            raise ModuleMismatchError(
                f"shown are {sorted(inputs) or 'no modalities'}, masked {sorted(available or {})}; "
                f"the model holds {', '.join(self.modalities)}"
            )
        batch = Batch(inputs, available or {})
        return self.recipe.forward(self._by_id, batch, self._tasks, notes or Notes())

    @property
    def _by_id(self) -> dict[str, nn.Module]:
        return dict(self.modules_by_id.items())

    @property
    def weight_bytes(self) -> int:
        """Size of all weights as float32."""
        return 4 * self.parameters_of(*self.module_ids)

    def tensors_of(self, *module_ids: str) -> tuple[str, ...]:
        """Return the parameter names of these modules, in model order."""
        return tuple(name for name in self.shapes if self.module_of(name)[0] in module_ids)

    def parameters_of(self, *module_ids: str) -> int:
        """Return how many numbers these modules hold together."""
        return sum(math.prod(self.shapes[name]) for name in self.tensors_of(*module_ids))

    def shape_of(self, module: str, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor of a module."""
        return self.shapes[f"{_PREFIX}{module}.{name}"]

    @staticmethod
    def module_of(parameter: str) -> tuple[str, str]:
        """Return the module id and the tensor's name within it of a parameter name."""
        module, _, name = parameter.removeprefix(_PREFIX).partition(".")
        return module, name

    def count(self, counted: Callable[[str, str], bool]) -> int:
        """Return how many numbers are in the tensors for which counted(module id, name) is true."""
        return sum(
            math.prod(shape)
            for name, shape in self.shapes.items()
            if counted(*self.module_of(name))
        )

    @property
    def quantum_parameters(self) -> int:
        """How many of all numbers are angles of quantum gates."""
        return self.count(lambda module, name: name.rpartition(".")[2] == ANGLES)

    def training_operations(self, samples: float) -> float:
        """Return the floating-point operations of training on `samples`: a multiplication and an
        addition per use of a weight, once forward and twice backward."""
        return 6.0 * samples * self._multiplications

    @property
    def module_ids(self) -> tuple[str, ...]:
        """Ids of the modules held, in model order."""
        return tuple(self.modules_by_id)

    def path(self, task: str, modalities: Collection[str] | None = None) -> tuple[str, ...]:
        """Return the ids of the modules that the outputs of `task` depend on, in model order.

        Every module on the path gets gradient from the task, no other does. With a gate that
        learns, all experts are on it, whichever a token is sent to; a table sends by identity.

        Args:
            task: one that the model answers.
            modalities: those shown; None for all.

        Raises:
            ModuleMismatchError: the model holds no such task or modality.
        """
        shown = self.modalities if modalities is None else tuple(modalities)
        unknown = [name for name in shown if name not in self.modalities]
        if task not in self.tasks or unknown or not shown:
            raise ModuleMismatchError(
                f"no path from {list(shown) or 'no modality'} to {task!r}; the model reads "
                f"{', '.join(self.modalities)} and answers {', '.join(self.tasks)}"
            )
        asked = self._tasks[self.tasks.index(task)]
        return self.recipe.path(self.module_ids, asked, shown)

    def predict(
        self,
        state: State,
        inputs: Mapping[str, Tensor],
        available: Mapping[str, Tensor] | None = None,
        notes: Notes | None = None,
    ) -> dict[str, Tensor]:
        """Return the outputs of the model with the weights of `state`; see `forward`."""
        return self.run(self.flatten(state), inputs, available, notes)

    def run(
        self,
        weights: Mapping[str, Tensor],
        inputs: Mapping[str, Tensor],
        available: Mapping[str, Tensor] | None = None,
        notes: Notes | None = None,
    ) -> dict[str, Tensor]:
        """Return the outputs of `forward` with these weights, which are checked by nobody.

        This is `torch.func.functional_call` without its detours, and like it not for two threads
        at once: they need copies.

        Args:
            weights: parameter name -> tensor, or the same of a stack of clients (see `stacks`).
            inputs, available, notes: as in `forward`.
        """
        empty = [holder[name] for holder, name, _ in self._places]
        for holder, name, key in self._places:
            holder[name] = weights[key]
        try:
            return self.forward(inputs, available, notes)
        finally:
            for (holder, name, _), tensor in zip(self._places, empty, strict=True):
                holder[name] = tensor

    def flatten(self, state: State) -> dict[str, Tensor]:
        """Return `state` as parameter name -> tensor.

        Raises:
            ModuleMismatchError: a module or tensor is missing, unknown or of another shape.
        """
        flat = {
            parameter_name(module, name): tensor
            for module, tensors in state.items()
            for name, tensor in tensors.items()
        }
        if flat.keys() != self.shapes.keys():
            missing = sorted(self.shapes.keys() - flat.keys())
            unknown = sorted(flat.keys() - self.shapes.keys())
            raise ModuleMismatchError(
                f"modules do not match: missing {missing or 'none'}, unknown {unknown or 'none'}"
            )
        for name, tensor in flat.items():
            if tuple(tensor.shape) != self.shapes[name]:
                raise ModuleMismatchError(
                    f"{name.removeprefix(_PREFIX)} has shape {tuple(tensor.shape)}, "
                    f"the model needs {self.shapes[name]}"
                )
        return flat

    def unflatten(self, flat: Mapping[str, Tensor]) -> State:
        """Return parameter name -> tensor as a state; the inverse of `flatten`."""
        state: State = {module: {} for module in self.module_ids}
        for key, tensor in flat.items():
            module, name = self.module_of(key)
            state[module][name] = tensor
        return state

    def initial_state(self, streams: Streams) -> State:
        """Return fresh weights; a module's depend on its id and the seed, not on its company."""
        flat = {}
        for name, shape in self.shapes.items():
            module, tensor = self.module_of(name)
            start = self.recipe.start(module, tensor, shape)
            if start.spread:
                values = start.spread * streams(f"init/{module}.{tensor}").standard_normal(shape)
                flat[name] = torch.from_numpy(values.astype(np.float32))
            else:
                flat[name] = torch.full(shape, start.constant)
        return self.unflatten(flat)


def parameter_name(module: str, tensor: str) -> str:
    """Return what `Architecture.flatten` calls a tensor of a module."""
    return f"{_PREFIX}{module}.{tensor}"


@lru_cache(maxsize=256)
def architecture(
    modalities: tuple[Modality, ...], tasks: tuple[Task, ...], recipe: Recipe | int
) -> Architecture:
    """Return the one architecture for these modalities and tasks (shared: it has no weights).

    Args:
        modalities, tasks: what it reads and what it predicts, in order.
        recipe: how it is built; a number is the width of the pooled recipe.
    """
    return Architecture(modalities, tasks, Pooled(recipe) if isinstance(recipe, int) else recipe)


def submodel(state: State, module_ids: Iterable[str]) -> State:
    """Return the modules of `state` with these ids.

    Raises:
        ModuleMismatchError: a module is not there.
    """
    missing = [module for module in module_ids if module not in state]
    if missing:
        raise ModuleMismatchError(f"the server holds no module {missing}; it has {sorted(state)}")
    return {module: dict(state[module]) for module in module_ids}


def fitted(state: State, model: Architecture) -> State:
    """Return `state` with its LoRA factors cut to the rank that `model` has: their first terms.

    Other shapes are left alone; `Architecture.flatten` refuses them if they do not match.
    """
    return {
        module: {
            name: tensor[tuple(slice(size) for size in model.shape_of(module, name))]
            if ModuleKey.parse(module).kind == "lora"
            else tensor
            for name, tensor in tensors.items()
        }
        for module, tensors in state.items()
    }
