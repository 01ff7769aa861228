"""The transformer recipe: encoders give tokens, blocks mix them, prompts read them out.

Every part is a module of its own, so that a federation may hold, freeze, exchange and average it by
itself: attention, norms, LoRA, adapter, gate and experts of each block, prompts and head of each
task. The prompts of a task see the data and each other; data see data alone. So what a client
computes for one task does not depend on the other tasks it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.tasks import Modality, Task
from qfl.models.encoders import Encoded, Encoder, TextEncoder, kind_of, make_encoder
from qfl.models.experts import Expert, balance_loss, mix, top_gates
from qfl.models.heads import NumberHead, make_head
from qfl.models.keys import ANY, ModuleKey, encoder_key, head_key
from qfl.models.layers import (
    HIDDEN,
    Attention,
    Bottleneck,
    LayerNorm,
    LowRank,
    Matrix,
    Norms,
    Vectors,
)
from qfl.models.layout import Layout
from qfl.models.notes import Notes
from qfl.models.recipes import Batch, Modules, Start, shared_or_own
from qfl.models.routed import ROUTED_WIDTH, mix_routed
from qfl.models.starts import start_of
from qfl.models.vqc import NarrowAdapter, NarrowHead, QuantumGate, make_core

Gate = Literal["soft", "top_k", "table", "quantum"]
"""Who chooses the experts of a token."""

Slot = Literal["plain", "quantum", "classical", "random"]
MOST_QUBITS = 16
"""What fills a slot: the ordinary module, a circuit, or one of the controls of the circuit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """The recipe.

    Attributes:
        width: of the tokens.
        blocks: of the trunk.
        heads: of attention.
        experts: per block; with a table as the gate there is one per modality and task instead.
        kept: experts that a top-k gate keeps.
        gate: soft weighs all experts, top_k keeps the best, table sends each modality and task to
            its own (of the last block only tasks have one), quantum measures log2(experts) qubits.
        rank: of LoRA.
        bottleneck: of the adapters.
        prompts: tokens per task.
        head, adapter: what fills these slots.
        qubits, circuit_layers: of every core in a slot.
    """

    width: int = 64
    blocks: int = 2
    heads: int = 4
    experts: int = 4
    kept: int = 2
    gate: Gate = "top_k"
    rank: int = 4
    bottleneck: int = 16
    prompts: int = 4
    head: Slot = "plain"
    adapter: Slot = "plain"
    qubits: int = 4
    circuit_layers: int = 2

    def __post_init__(self) -> None:
        slots = get_args(Slot)
        for name, allowed in {"gate": get_args(Gate), "head": slots, "adapter": slots}.items():
            if getattr(self, name) not in allowed:
                raise UnknownNameError(name, getattr(self, name), allowed)
        for name in ("width", "blocks", "heads", "rank", "bottleneck", "prompts", "qubits"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be >= 1, got {getattr(self, name)}")
        if self.circuit_layers < 1 or self.qubits > MOST_QUBITS:
            raise ConfigError(
                f"qubits {self.qubits} and circuit_layers {self.circuit_layers}; allowed: at most "
                f"{MOST_QUBITS} qubits, for every row of a batch keeps 2^qubits amplitudes after "
                "every gate, and at least 1 layer"
            )
        if self.width % self.heads:
            raise ConfigError(f"width {self.width} is not a multiple of {self.heads} heads")
        if not 1 <= self.kept <= self.experts:
            raise ConfigError(f"a gate keeps 1 to {self.experts} experts, not {self.kept}")

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its modules."""
        gates = {"table": (), "quantum": ("quantum_gate",)}.get(self.gate, ("gate",))
        head = "quantum_head" if self.head == "quantum" else "head"
        shared = ("encoder", "projection", "prompt", "norm", "trunk", "lora", "expert")
        return frozenset({*shared, *gates, self._adapter_kind, head})

    def build(
        self, modalities: tuple[Modality, ...], tasks: tuple[Task, ...]
    ) -> dict[str, nn.Module]:
        """Return the modules for these modalities and tasks, in model order.

        Raises:
            ConfigError: a modality has no encoder, or a task nothing to read.
        """
        found: dict[str, nn.Module] = {}
        for modality in modalities:
            found[str(encoder_key(modality.name))] = make_encoder(modality, self.width)
            found[_marker(modality.name)] = Vectors(1, self.width)
        for task in tasks:
            if task.kind == "tagging" and not any(kind_of(m) == "text" for m in modalities):
                raise ConfigError(f"task {task.name!r} tags a text, and no modality is one")
        for task in _prompted(tasks):
            found[_prompt(task.name)] = Vectors(self.prompts, self.width)
        for layer in map(str, range(self.blocks)):
            found |= self._build_block(layer, modalities, tasks)
        found[_FINAL] = LayerNorm(self.width)
        return found | {self._head(task.name): self._build_head(task) for task in tasks}

    def forward(
        self, modules: Modules, batch: Batch, tasks: tuple[Task, ...], notes: Notes
    ) -> dict[str, Tensor]:
        """Return task -> outputs for the modalities in `batch`."""
        encoded = {name: _encode(modules, batch, name) for name in batch.inputs}
        notes.latents |= {name: _mean(part) for name, part in encoded.items()}
        layout = Layout(
            tuple((name, part.tokens.shape[1]) for name, part in encoded.items()),
            tuple(task.name for task in _prompted(tasks)),
            self.prompts,
        )
        present = torch.cat([part.present for part in encoded.values()], dim=1)
        prompts = [modules[_prompt(task)](len(present)) for task in layout.tasks]
        x = torch.cat([*(part.tokens for part in encoded.values()), *prompts], dim=1)
        tagged = any(task.kind == "tagging" for task in tasks)
        visible = layout.visible(present)
        hidden = x.new_zeros(visible.shape).masked_fill(~visible, HIDDEN)
        sight = Sight(layout, present, hidden, rows=notes.rows)
        for layer in range(self.blocks):
            if layer == self.blocks - 1 and not tagged:
                sight = replace(sight, first=layout.steps)
            x = self._run_block(modules, str(layer), x, sight, notes)
        x = modules[_FINAL](x)
        outputs = {}
        for task in tasks:
            head = modules[self._head(task.name)]
            if isinstance(head, NumberHead):
                notes.log_variances[task.name] = head.log_variance
            if task.kind == "tagging":
                outputs[task.name] = head(x[:, layout.data(_text(encoded, modules))])
            else:
                notes.readouts[task.name] = x[:, layout.readout(task.name)].mean(1)
                read = head(notes.readouts[task.name])
                outputs[task.name] = _put_back(read, encoded) if task.kind == "forecast" else read
        return outputs

    def path(
        self, modules: Iterable[str], task: Task, modalities: Collection[str]
    ) -> tuple[str, ...]:
        """Return the shared modules, and those of the task and the modalities.

        After the last block, tokens of data are read by tagging alone: what experts of modalities
        do there is on no other path.
        """
        found = shared_or_own(modules, task, modalities)
        if task.kind == "tagging":
            return found
        last = str(self.blocks - 1)
        unread = {m for m in found if _is_expert_of_data(ModuleKey.parse(m), last)}
        return tuple(module for module in found if module not in unread)

    def start(self, module: str, name: str, shape: tuple[int, ...]) -> Start:
        """Return how a tensor begins: see `starts`."""
        return start_of(ModuleKey.parse(module).kind, name, shape)

    def multiplications(self, modules: Modules) -> float:
        """Return the multiplications of one forward pass of one sample with all modalities."""
        encoders = [cast(Encoder, m) for key, m in modules.items() if key.startswith("encoder:")]
        prompts = self.prompts * sum(key.startswith("prompt:") for key in modules)
        length = prompts + sum(encoder.tokens for encoder in encoders)
        matrices = sum(
            tensor.numel()
            for key, module in modules.items()
            if not key.startswith(("encoder:", "prompt:", "projection:"))
            for tensor in module.parameters()
            if tensor.dim() > 1
        )
        attention = 2.0 * self.blocks * length**2 * self.width
        return sum(encoder.products for encoder in encoders) + attention + length * matrices

    def _build_block(
        self, layer: str, modalities: tuple[Modality, ...], tasks: tuple[Task, ...]
    ) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {
            _of("norm", layer): Norms(self.width),
            _of("trunk", layer): Attention(self.width, self.heads),
            _of("lora", layer): LowRank(self.width, self.rank),
        }
        if self.gate == "quantum":
            gate = QuantumGate(self.width, self.experts, self.circuit_layers)
            found[_of("quantum_gate", layer)] = gate
        elif self.gate != "table":
            found[_of("gate", layer)] = Matrix(self.width, self.experts)
        if self.gate == "table":
            read = modalities if int(layer) < self.blocks - 1 else _tagged(modalities, tasks)
            experts = [_owned(layer, modality=m.name) for m in read]
            experts += [_owned(layer, task=task.name) for task in _prompted(tasks)]
        else:
            experts = self._numbered(layer)
        found |= {key: Expert(self.width) for key in experts}
        return found | {_of(self._adapter_kind, layer): self._build_adapter()}

    def _run_block(
        self, modules: Modules, layer: str, x: Tensor, sight: Sight, notes: Notes
    ) -> Tensor:
        """Return the tokens from `sight.first` on after one block."""
        norms = cast(Norms, modules[_of("norm", layer)])
        attended = modules[_of("trunk", layer)](
            norms.attention(x),
            modules[_of("lora", layer)],
            sight.hidden,
            sight.first,
        )
        x = x[:, sight.first :] + attended
        x = x + self._mixture(modules, layer, norms.experts(x), sight, notes)
        return x + modules[_of(self._adapter_kind, layer)](x)

    def _mixture(
        self, modules: Modules, layer: str, x: Tensor, sight: Sight, notes: Notes
    ) -> Tensor:
        """Return what the experts make of the tokens."""
        if self.gate == "table":
            names, groups = _groups(modules, sight.layout, layer)
            gates = sight.layout.table(groups, x)[sight.first :].expand(*x.shape[:-1], -1)
        else:
            names = self._numbered(layer)
            kind = "quantum_gate" if self.gate == "quantum" else "gate"
            scores = modules[_of(kind, layer)](x)
            shares = scores if self.gate == "quantum" else scores.softmax(-1)
            gates = top_gates(shares, self.kept) if self.gate == "top_k" else shares
            own = (notes.by_client(part) for part in (shares, gates, sight.counted))
            notes.balance.append(balance_loss(*own))
        routed = notes.by_client((gates > 0) & sight.counted[..., None]).to(x.dtype).sum((-3, -2))
        notes.routed |= {name: routed[..., e] for e, name in enumerate(names)}
        experts = [cast(Expert, modules[name]) for name in names]
        if self.gate == "top_k" and notes.by_value and self.width >= ROUTED_WIDTH:
            return mix_routed(experts, x, gates, shares.topk(self.kept, dim=-1).indices)
        return mix(experts, x, gates)

    def _numbered(self, layer: str) -> list[str]:
        return [str(ModuleKey("expert", domain=str(e), layer=layer)) for e in range(self.experts)]

    @property
    def _adapter_kind(self) -> str:
        return "quantum_adapter" if self.adapter == "quantum" else "adapter"

    def _build_adapter(self) -> nn.Module:
        if self.adapter == "plain":
            return Bottleneck(self.width, self.bottleneck)
        core = make_core(self.adapter, qubits=self.qubits, layers=self.circuit_layers)
        return NarrowAdapter(self.width, self.qubits, core)

    def _head(self, task: str) -> str:
        return str(
            ModuleKey("quantum_head", task=task) if self.head == "quantum" else head_key(task)
        )

    def _build_head(self, task: Task) -> nn.Module:
        if self.head == "plain":
            return make_head(task, self.width)
        core = make_core(self.head, qubits=self.qubits, layers=self.circuit_layers)
        return NarrowHead(self.width, task.outputs, self.qubits, core)


PROFILES: Mapping[str, Transformer] = {
    "tiny": Transformer(width=32, blocks=1),
    "small": Transformer(width=64, blocks=2),
    "base": Transformer(width=128, blocks=3),
    "large": Transformer(width=192, blocks=4),
}
"""The sizes by name; `small` is the default of a study, `tiny` that of a test."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What a block needs to know of the sequence.

    Attributes:
        layout: where things stand.
        present: (B, steps) bool, data tokens that are there.
        hidden: (B, L, L) 0 where a place sees another, else `HIDDEN`.
        first: the first place whose result is needed.
        rows: (B,) bool, samples that count; None: all.
    """

    layout: Layout
    present: Tensor
    hidden: Tensor
    first: int = 0
    rows: Tensor | None = None

    @property
    def counted(self) -> Tensor:
        """(B, L - first) bool: tokens that count in the statistics of a gate."""
        prompts = len(self.layout.tasks) * self.layout.prompts
        counted = nn.functional.pad(self.present, (0, prompts), value=True)[:, self.first :]
        return counted if self.rows is None else counted & self.rows[:, None]


_FINAL = str(ModuleKey("norm"))


def _of(kind: str, layer: str) -> str:
    return str(ModuleKey(kind, layer=layer))


def _owned(layer: str, *, modality: str = ANY, task: str = ANY) -> str:
    return str(ModuleKey("expert", modality=modality, task=task, layer=layer))


def _is_expert_of_data(key: ModuleKey, layer: str) -> bool:
    return key.kind == "expert" and key.modality != ANY and key.layer == layer


def _marker(modality: str) -> str:
    return str(ModuleKey("projection", modality=modality))


def _prompt(task: str) -> str:
    return str(ModuleKey("prompt", task=task))


def _prompted(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks that prompts read out: all but tagging, which reads the text itself."""
    return [task for task in tasks if task.kind != "tagging"]


def _tagged(modalities: Sequence[Modality], tasks: Sequence[Task]) -> list[Modality]:
    """Return the modality whose tokens themselves are read: the first text, if any is tagged."""
    texts = [modality for modality in modalities if kind_of(modality) == "text"]
    return texts[:1] if any(task.kind == "tagging" for task in tasks) else []


def _groups(modules: Modules, layout: Layout, layer: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the experts of a table in order, and the groups of places that they handle.

    Data tokens that nobody reads after the last block have no expert there.
    """
    owners = [(_owned(layer, modality=name), f"modality:{name}") for name, _ in layout.spans]
    owners += [(_owned(layer, task=task), f"task:{task}") for task in layout.tasks]
    held = [(name, group) for name, group in owners if name in modules]
    return [name for name, _ in held], tuple(group for _, group in held)


def _encode(modules: Modules, batch: Batch, name: str) -> Encoded:
    """Encode one modality, mark its tokens as its own and hide those of samples without it."""
    part: Encoded = modules[str(encoder_key(name))](batch.inputs[name])
    present = part.present
    if name in batch.available:
        present = present & (batch.available[name] > 0)[:, None]
    return replace(part, tokens=part.tokens + modules[_marker(name)](len(present)), present=present)


def _mean(part: Encoded) -> Tensor:
    weights = part.present.to(part.tokens.dtype)[..., None]
    return (part.tokens * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def _text(encoded: Mapping[str, Encoded], modules: Modules) -> str:
    """Return the modality whose positions are tagged: the first text."""
    for name in encoded:
        if isinstance(modules[str(encoder_key(name))], TextEncoder):
            return name
    raise ConfigError(f"a text is to be tagged, and the inputs are {sorted(encoded)}")


def _put_back(forecast: Tensor, encoded: Mapping[str, Encoded]) -> Tensor:
    """Bring a forecast to the level and spread of the series that was normalised."""
    for part in encoded.values():
        if part.centre is not None and part.scale is not None:
            return forecast * part.scale + part.centre
    return forecast
