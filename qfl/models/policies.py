"""What happens to a module: who holds it, what it weighs, how it travels.

A policy belongs to a module, not to an algorithm: FedPer is "heads are local", FedBN is "norms are
local", training LoRA alone is "everything else is frozen". Only names are kept here; the functions
behind them live with the aggregation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from qfl.core.errors import UnknownNameError
from qfl.core.update import lies_beside
from qfl.models.keys import KINDS, ModuleKey, original

Placement = Literal["frozen", "local", "cluster", "global"]
"""frozen: never trained, never sent; local: trained, never sent; cluster: shared by the holders of
one cluster of clients, each with a copy of its own; global: shared by all holders."""


_HEADS = ("head", "quantum_head")


@dataclass(frozen=True, slots=True)
class ModulePolicy:
    """How one module is treated.

    Attributes:
        placement: who shares it.
        aggregator: what the server makes of the versions it gets: mean is the algorithm's own rule;
            median and geometric_median are not moved far by a few of them, and count all alike.
        weight: what a holder's version weighs: samples, modality_samples, routed_tokens, equal.
        codec: how it travels: fp32, fp16, int8, top_k.
        fixed: patterns of the names of tensors that keep their initial values: they are neither
            trained nor sent.
    """

    placement: Placement = "global"
    aggregator: str = "mean"
    weight: str = "samples"
    codec: str = "fp32"
    fixed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        allowed = {
            "placement": ("frozen", "local", "cluster", "global"),
            "aggregator": ("mean", "median", "geometric_median"),
            "weight": ("samples", "modality_samples", "routed_tokens", "equal"),
            "codec": ("fp32", "fp16", "int8", "top_k"),
        }
        for name, names in allowed.items():
            if getattr(self, name) not in names:
                raise UnknownNameError(name, getattr(self, name), names)

    def moves(self, tensor: str) -> bool:
        """Return whether training changes the tensor of this name.

        >>> ModulePolicy(fixed=("*_down.weight",)).moves("query_down.weight")
        False
        """
        return self.trained and not any(fnmatchcase(tensor, pattern) for pattern in self.fixed)

    @property
    def trained(self) -> bool:
        """True if clients change the module."""
        return self.placement != "frozen"

    @property
    def exchanged(self) -> bool:
        """True if the module is uploaded."""
        return self.placement in ("cluster", "global")


FROZEN, LOCAL, GLOBAL = (ModulePolicy(placement) for placement in ("frozen", "local", "global"))


@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """A policy for every module: one by kind, and exceptions by id.

    Attributes:
        by_kind: kind -> policy; kinds left out follow `otherwise`.
        by_id: module id -> policy; stronger than its kind.
        otherwise: the policy of everything else.

    >>> EXCHANGE_POLICIES["lora"]["lora:*:*:*:0"].placement
    'global'
    >>> EXCHANGE_POLICIES["lora"]["encoder:image:*"].placement
    'frozen'
    """

    by_kind: Mapping[str, ModulePolicy] = field(default_factory=dict)
    by_id: Mapping[str, ModulePolicy] = field(default_factory=dict)
    otherwise: ModulePolicy = GLOBAL

    def __post_init__(self) -> None:
        for kind in self.by_kind:
            if kind not in KINDS:
                raise UnknownNameError("module kind", kind, KINDS)

    def __getitem__(self, module: str) -> ModulePolicy:
        """Return the policy of the module with this id, or of which this is a copy."""
        module = original(module)
        if module in self.by_id:
            return self.by_id[module]
        return self.by_kind.get(ModuleKey.parse(module).kind, self.otherwise)

    def aggregator(self, module: str) -> str:
        """Return what the server makes of a module; what algorithms lay beside modules is theirs.

        >>> ExchangePolicy().aggregator("control@head:*:digit")
        'mean'
        """
        return "mean" if lies_beside(module) else self[module].aggregator

    def missing(self, kinds: Collection[str]) -> tuple[str, ...]:
        """Return the kinds that this policy is for, if a model with these kinds has none of them.

        Heads are part of most policies and of every model, and so are only what a policy is for
        where it names nothing else.

        >>> EXCHANGE_POLICIES["lora"].missing(["encoder", "head"])
        ('lora',)
        >>> EXCHANGE_POLICIES["fedper"].missing(["encoder", "head"])
        ()
        """
        meant = [kind for kind in self.by_kind if kind not in _HEADS] or list(self.by_kind)
        return () if set(meant) & set(kinds) else tuple(meant)

    @property
    def policies(self) -> tuple[ModulePolicy, ...]:
        """All that some module may follow."""
        return (*self.by_kind.values(), *self.by_id.values(), self.otherwise)

    def changed(
        self, changes: Mapping[str, Mapping[str, str]], modules: Iterable[str]
    ) -> ExchangePolicy:
        """Return the same policy with exceptions for some modules.

        Args:
            changes: pattern of module ids -> field of `ModulePolicy` -> its value there; of several
                patterns that match, later ones are stronger.
            modules: ids of all there are.

        Raises:
            UnknownNameError: a pattern matches none of them.

        >>> changes = {"encoder:*": {"codec": "int8"}}
        >>> ExchangePolicy().changed(changes, ["encoder:image:*"])["encoder:image:*"].codec
        'int8'
        """
        known, by_id = list(modules), dict(self.by_id)
        for pattern, change in changes.items():
            matching = [module for module in known if fnmatchcase(module, pattern)]
            if not matching:
                raise UnknownNameError("module", pattern, known)
            for module in matching:
                by_id[module] = replace(by_id.get(module, self[module]), **change)  # type: ignore[arg-type]
        return replace(self, by_id=by_id)

    def coded(self, codec: str) -> ExchangePolicy:
        """Return the same policy with every module sent by this codec."""

        def sent(policy: ModulePolicy) -> ModulePolicy:
            return replace(policy, codec=codec)

        return ExchangePolicy(
            {kind: sent(policy) for kind, policy in self.by_kind.items()},
            {module: sent(policy) for module, policy in self.by_id.items()},
            sent(self.otherwise),
        )

    def trained(self, modules: Iterable[str]) -> tuple[str, ...]:
        """Return the ids out of `modules` that clients train, in the order given."""
        return tuple(module for module in modules if self[module].trained)

    def clustered(self, modules: Iterable[str]) -> tuple[str, ...]:
        """Return the ids out of `modules` of which every cluster has a copy, in the order given."""
        return tuple(module for module in modules if self[module].placement == "cluster")

    def exchanged(self, modules: Iterable[str]) -> tuple[str, ...]:
        """Return the ids out of `modules` that clients upload, in the order given."""
        return tuple(module for module in modules if self[module].exchanged)


_ADAPTERS = ("adapter", "quantum_adapter")


def _only(*kinds: str) -> ExchangePolicy:
    """Train and exchange these kinds and the heads; everything else is frozen."""
    return ExchangePolicy(dict.fromkeys((*kinds, *_HEADS), GLOBAL), otherwise=FROZEN)


EXCHANGE_POLICIES: Mapping[str, ExchangePolicy] = {
    "full": ExchangePolicy(),
    "peft": _only("lora", *_ADAPTERS, "prompt"),
    "lora": _only("lora"),
    "ffa_lora": ExchangePolicy(
        {**dict.fromkeys(_HEADS, GLOBAL), "lora": ModulePolicy(fixed=("*_down.weight",))},
        otherwise=FROZEN,
    ),
    "adapter": _only(*_ADAPTERS),
    "prompt": _only("prompt"),
    "head": _only(),
    "experts": ExchangePolicy(
        {"expert": ModulePolicy(weight="routed_tokens")},
        otherwise=ModulePolicy(weight="modality_samples"),
    ),
    "fedper": ExchangePolicy(dict.fromkeys(_HEADS, LOCAL)),
    "fedbn": ExchangePolicy({"norm": LOCAL}),
}
"""Presets by name; all but `full` and the last two freeze what they do not name. `ffa_lora` holds
the first factor of every pair where it began (Sun et al., arXiv:2403.12313): the mean of the
others is then exact."""


CHANGEABLE = ("placement", "aggregator", "weight", "codec")
"""What a study may set for single modules."""


def check_changes(changes: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse exceptions for modules that no policy can have, whatever the model.

    Raises:
        UnknownNameError: a pattern is for no kind of module, or an option or value is not known.
    """
    for pattern, change in changes.items():
        kind = pattern.partition(":")[0]
        if not any(fnmatchcase(known, kind) for known in KINDS):
            raise UnknownNameError("module kind", kind, KINDS)
        for option, value in change.items():
            if option not in CHANGEABLE:
                raise UnknownNameError("option of a module", option, CHANGEABLE)
            ModulePolicy(**{option: value})  # type: ignore[arg-type]


def exchange_policy(name: str) -> ExchangePolicy:
    """Return the preset called `name`.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in EXCHANGE_POLICIES:
        raise UnknownNameError("exchange policy", name, EXCHANGE_POLICIES)
    return EXCHANGE_POLICIES[name]
