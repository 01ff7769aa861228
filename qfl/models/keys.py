"""Names of modules. A model is a set of named modules, and a client holds a subset of it."""

from __future__ import annotations

from dataclasses import dataclass

from qfl.core.errors import ConfigError

ANY = "*"
KINDS = (
    "encoder",
    "projection",
    "fusion",
    "trunk",
    "norm",
    "lora",
    "adapter",
    "prompt",
    "expert",
    "gate",
    "head",
    "quantum_head",
    "quantum_adapter",
    "quantum_gate",
)
"""What a module can be."""


@dataclass(frozen=True, slots=True, order=True)
class ModuleKey:
    """What a module is and what it belongs to; "*" means shared.

    The experts of a gate are numbered in `domain`.

    >>> str(ModuleKey("encoder", modality="image")), str(ModuleKey("lora", layer="1"))
    ('encoder:image:*', 'lora:*:*:*:1')
    """

    kind: str
    modality: str = ANY
    task: str = ANY
    domain: str = ANY
    layer: str = ANY

    def __str__(self) -> str:
        fields = [self.kind, self.modality, self.task]
        if (self.domain, self.layer) != (ANY, ANY):
            fields += [self.domain, self.layer]
        return ":".join(fields)

    @classmethod
    def parse(cls, text: str) -> ModuleKey:
        """Return the key that prints as `text`.

        Raises:
            ConfigError: no key prints so.

        >>> ModuleKey.parse("expert:*:*:3:0").domain
        '3'
        """
        fields = text.split(":")
        if fields[0] not in KINDS or len(fields) not in (3, 5) or not all(fields):
            raise ConfigError(
                f"{text!r} names no module; allowed: kind:modality:task or "
                f"kind:modality:task:domain:layer with a kind out of {', '.join(KINDS)}"
            )
        return cls(*fields)


FUSION = ModuleKey("fusion")


COPY = "~"
"""Before the cluster in the id of a copy of a module."""


def copy_id(module: str, cluster: str) -> str:
    """Return the id of the copy of a module that a cluster of clients shares.

    Raises:
        ConfigError: the name of the cluster holds what separates names in an envelope.

    >>> copy_id("head:*:digit", "theo")
    'head:*:digit~theo'
    """
    if not cluster or set(cluster) & set(COPY + ".:|#@"):
        raise ConfigError(
            f"{cluster!r} cannot name a cluster; it needs a letter, and none of {COPY}.:|#@"
        )
    return f"{module}{COPY}{cluster}"


def original(module: str) -> str:
    """Return the id of the module that this is a copy of; itself if it is none.

    >>> original("head:*:digit~theo"), original("head:*:digit")
    ('head:*:digit', 'head:*:digit')
    """
    return module.partition(COPY)[0]


def encoder_key(modality: str) -> ModuleKey:
    """Return the key of the encoder of `modality`."""
    return ModuleKey("encoder", modality=modality)


def head_key(task: str) -> ModuleKey:
    """Return the key of the head of `task`."""
    return ModuleKey("head", task=task)
