"""The multi-modal multi-task model, as an architecture without weights and a state of modules.

An `Architecture` lives on torch's meta device: it knows shapes, not numbers. The numbers are a
`State`: module id -> tensor name -> tensor. Clients hold, train, send and receive states; matching
is strict in both directions everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from qfl.core.errors import ModuleMismatchError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Task
from qfl.models.keys import FUSION, encoder_key, head_key, needed_modules
from qfl.models.modules import Fusion, make_encoder, make_head

State = dict[str, dict[str, Tensor]]
"""Module id -> tensor name -> tensor."""

_PREFIX = "modules_by_id."


class Architecture(nn.Module):
    """The modules for some modalities and tasks, without weights."""

    def __init__(
        self, modalities: tuple[Modality, ...], tasks: tuple[Task, ...], width: int
    ) -> None:
        super().__init__()
        self.modalities = tuple(modality.name for modality in modalities)
        self.tasks = tuple(task.name for task in tasks)
        with torch.device("meta"):
            self.modules_by_id = nn.ModuleDict(
                {str(encoder_key(m.name)): make_encoder(m, width) for m in modalities}
                | {str(FUSION): Fusion(width)}
                | {str(head_key(t.name)): make_head(t, width) for t in tasks}
            )
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self.named_parameters()}

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return task -> outputs for the modalities present in `inputs`."""
        tokens = [self.modules_by_id[str(encoder_key(name))](x) for name, x in inputs.items()]
        fused = self.modules_by_id[str(FUSION)](tokens)
        return {task: self.modules_by_id[str(head_key(task))](fused) for task in self.tasks}

    @property
    def weight_bytes(self) -> int:
        """Size of all weights as float32."""
        return 4 * sum(math.prod(shape) for shape in self.shapes.values())

    def training_operations(self, samples: int) -> float:
        """Return the floating-point operations of training on `samples`: a multiplication and an
        addition per weight, once forward and twice backward."""
        return 6.0 * samples * self.weight_bytes / 4

    @property
    def module_ids(self) -> tuple[str, ...]:
        """Ids of the modules held, in model order."""
        return needed_modules(self.modalities, self.tasks)

    def predict(self, state: State, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs of the model with the weights of `state`."""
        return functional_call(self, self.flatten(state), (inputs,), strict=True)

    def flatten(self, state: State) -> dict[str, Tensor]:
        """Return `state` as parameter name -> tensor.

        Raises:
            ModuleMismatchError: a module or tensor is missing, unknown or of another shape.
        """
        flat = {
            f"{_PREFIX}{module}.{name}": tensor
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
            module, _, name = key.removeprefix(_PREFIX).partition(".")
            state[module][name] = tensor
        return state

    def initial_state(self, streams: Streams) -> State:
        """Return fresh weights; a module's depend on its id and the seed, not on its company.

        Heads start at zero, other matrices He-normal, vectors zero, normalising scales one.
        """
        flat = {}
        for name, shape in self.shapes.items():
            if len(shape) > 1 and not name.startswith(f"{_PREFIX}head:"):
                rng = streams(f"init/{name.removeprefix(_PREFIX)}")
                scale = np.sqrt(2.0 / shape[1])
                values = (scale * rng.standard_normal(shape)).astype(np.float32)
                flat[name] = torch.from_numpy(values)
            else:
                fill = 1.0 if name.endswith("norm.weight") else 0.0
                flat[name] = torch.full(shape, fill)
        return self.unflatten(flat)


@lru_cache(maxsize=256)
def architecture(
    modalities: tuple[Modality, ...], tasks: tuple[Task, ...], width: int
) -> Architecture:
    """Return the one architecture for these modalities and tasks (shared: it has no weights)."""
    return Architecture(modalities, tasks, width)


def submodel(state: State, module_ids: Iterable[str]) -> State:
    """Return the modules of `state` with these ids.

    Raises:
        ModuleMismatchError: a module is not there.
    """
    missing = [module for module in module_ids if module not in state]
    if missing:
        raise ModuleMismatchError(f"the server holds no module {missing}; it has {sorted(state)}")
    return {module: dict(state[module]) for module in module_ids}
