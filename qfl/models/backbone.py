"""A transformers model with LoRA from peft as a recipe: a frozen trunk, factors and heads.

Built from a configuration, so nothing is downloaded; `pretrained_state` reads weights from a folder
on this machine. Unlike the other recipes it cannot be batched over clients by vmap: the library's
models look at their data to decide shapes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from qfl.core.errors import ConfigError, MissingExtraError, ModuleMismatchError
from qfl.core.tasks import Modality, Task
from qfl.models.encoders import kind_of
from qfl.models.heads import NumberHead, make_head
from qfl.models.keys import ModuleKey, head_key
from qfl.models.m3t import Architecture, State
from qfl.models.notes import Notes
from qfl.models.recipes import Batch, Modules, Start, shared_or_own
from qfl.models.starts import start_of

_TRUNK, _LORA = str(ModuleKey("trunk")), str(ModuleKey("lora"))
_DOT = "/"
_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Backbone:
    """The recipe.

    Attributes:
        family: name of a transformers model that gives `last_hidden_state`: "BertModel",
            "ViTModel", "ViltModel".
        config: (name, value) pairs of its configuration; others keep the library's defaults.
        targets: names of the layers that get LoRA.
        rank: of LoRA.
    """

    family: str
    config: tuple[tuple[str, Any], ...] = ()
    targets: tuple[str, ...] = ("query", "value")
    rank: int = 4

    def build(
        self, modalities: tuple[Modality, ...], tasks: tuple[Task, ...]
    ) -> dict[str, nn.Module]:
        """Return the trunk, the LoRA factors and a head per task.

        Raises:
            ConfigError: a modality is neither a text nor a picture, or a task tags.
            MissingExtraError: transformers or peft is not installed.
        """
        for modality in modalities:
            if kind_of(modality) not in _ARGUMENTS:
                raise ConfigError(
                    f"{self.family} reads texts and pictures, not {modality.name!r} of kind "
                    f"{kind_of(modality)!r}"
                )
        if any(task.kind == "tagging" for task in tasks):
            raise ConfigError("a backbone has no tagging head; use the recipe 'transformer'")
        names = dict(_model(self).named_parameters())
        width = int(_model(self).config.hidden_size)
        return {
            _TRUNK: Tensors({n: t for n, t in names.items() if "lora_" not in n}),
            _LORA: Tensors({n: t for n, t in names.items() if "lora_" in n}),
            **{str(head_key(task.name)): make_head(task, width) for task in tasks},
        }

    def forward(
        self, modules: Modules, batch: Batch, tasks: tuple[Task, ...], notes: Notes
    ) -> dict[str, Tensor]:
        """Return task -> outputs of the first position of the last layer."""
        if batch.available:
            raise ModuleMismatchError("a backbone needs every modality of every sample")
        model = _model(self)
        weights = dict(model.named_buffers())
        for key in (_TRUNK, _LORA):
            weights |= {
                name.replace(_DOT, "."): tensor for name, tensor in modules[key].named_parameters()
            }
        shown: dict[str, Tensor] = {}
        for x in batch.inputs.values():
            shown |= _picture(x) if x.dim() == 4 else _text(x)
        with torch.random.fork_rng(devices=[]):  # ViLT shuffles its patches, which changes nothing
            hidden = functional_call(model, weights, (), shown).last_hidden_state[:, 0]
        outputs = {}
        for task in tasks:
            head = modules[str(head_key(task.name))]
            if isinstance(head, NumberHead):
                notes.log_variances[task.name] = head.log_variance
            outputs[task.name] = head(hidden)
        return outputs

    def path(
        self, modules: Iterable[str], task: Task, modalities: Collection[str]
    ) -> tuple[str, ...]:
        """Return the shared modules, and those of the task and the modalities."""
        return shared_or_own(modules, task, modalities)

    def start(self, module: str, name: str, shape: tuple[int, ...]) -> Start:
        """Return the library's own kind of start: LoRA's second factor and biases zero, norms
        one, everything else small."""
        kind = ModuleKey.parse(module).kind
        if kind == "head":
            return start_of(kind, name, shape)
        if "lora_B" in name or name.endswith("bias"):
            return Start()
        if "norm" in name.lower():
            return Start(constant=1.0)
        return Start(spread=_SPREAD)

    def multiplications(self, modules: Modules) -> float:
        """Return the number of weights: a lower bound, since tokens share them."""
        return sum(tensor.numel() for m in modules.values() for tensor in m.parameters())


class Tensors(nn.Module):
    """Named tensors without a forward pass; dots in names become slashes."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            empty = torch.empty(tensor.shape, dtype=tensor.dtype)
            self.register_parameter(name.replace(".", _DOT), nn.Parameter(empty))


def pretrained_state(model: Architecture, state: State, folder: Path) -> State:
    """Return `state` with the trunk's weights replaced by those saved in `folder`.

    Args:
        model: an architecture of the recipe `Backbone`.
        state: fresh weights; LoRA and heads are kept.
        folder: what the library's `save_pretrained` wrote, on this machine.

    Raises:
        ModuleMismatchError: the saved model has other tensors than the trunk.
    """
    import safetensors.torch

    saved = safetensors.torch.load_file(folder / "model.safetensors")
    by_name = {_plain(name): name for name in state[_TRUNK]}
    if by_name.keys() != saved.keys():
        raise ModuleMismatchError(
            f"{folder} lacks {sorted(by_name.keys() - saved.keys()) or 'nothing'} and has "
            f"{sorted(saved.keys() - by_name.keys()) or 'nothing'} too many"
        )
    loaded = {**state, _TRUNK: {name: saved[plain] for plain, name in by_name.items()}}
    model.flatten(loaded)
    return loaded


def _plain(name: str) -> str:
    """Return the name that a tensor had before peft wrapped its model."""
    return name.removeprefix("base_model/model/").replace("/base_layer", "").replace(_DOT, ".")


_ARGUMENTS: Iterable[str] = ("text", "image")


def _text(x: Tensor) -> dict[str, Tensor]:
    return {"input_ids": x.long(), "attention_mask": (x > 0).long()}


def _picture(x: Tensor) -> dict[str, Tensor]:
    return {"pixel_values": x.permute(0, 3, 1, 2)}


@lru_cache(maxsize=8)
def _model(recipe: Backbone) -> Any:
    """Return the library's model with LoRA; its weights are placeholders."""
    try:
        import peft
        import transformers
    except ModuleNotFoundError:
        raise MissingExtraError("a transformers backbone", "backbone") from None
    model_class = getattr(transformers, recipe.family, None)
    if model_class is None:
        raise ConfigError(f"transformers has no model {recipe.family!r}; see its documentation")
    config = model_class.config_class(**dict(recipe.config), attn_implementation="eager")
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        lora = peft.LoraConfig(r=recipe.rank, target_modules=list(recipe.targets))
        return peft.get_peft_model(model_class(config), lora).eval()
