"""The options of what a study can name: the fields of the class behind it and what they mean."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from qfl.core.registry import Registry


class Option(NamedTuple):
    """One field as a line for people.

    Attributes:
        where: the section of a study that it belongs to.
        meaning: what the docstring says, "" if nothing.
    """

    name: str
    kind: str
    default: str
    where: str
    meaning: str


def options(registry: Registry, name: str, target: str) -> list[Option]:
    """Return the options of one row, then those that all rows of its sections share.

    Args:
        registry: the table that the row is in.
        name: of the row; of "aer:fake_fez" what is before the colon counts.
        target: "module:NAME" of the table, by which sections name it.

    Raises:
        UnknownNameError: no row has this name.
        MissingExtraError: its class needs what is not installed.
    """
    from qfl.core.registry import load
    from qfl.study.options import SECTIONS

    row = registry.resolve(name if name in registry.table() else name.partition(":")[0])
    sections = {key: spec for key, spec in SECTIONS.items() if spec.registry == target}
    keys = {spec.key for spec in sections.values()}  # which name the row itself
    own = [_heading(key) for key, spec in sections.items() if spec.row_options]
    alone = "backend_options" if registry.kind == "backend" else "Python"
    found = [each for each in described(row, " ".join(own) or alone) if each.name not in keys]
    for key, spec in sections.items():
        for shared in spec.shared:
            found += described(load(shared), _heading(key))
    return found


def described(factory: Any, where: str) -> Iterator[Option]:
    """Yield the fields of a dataclass in order; nothing for what is none.

    >>> from qfl.models.pooled import Pooled
    >>> next(described(Pooled, "Python"))[:3]
    ('width', 'int', '32')
    """
    if not is_dataclass(factory):
        return
    meanings = meanings_of(factory)
    try:
        hints = get_type_hints(factory)
    except NameError:  # a type that only type checkers import
        hints = {}
    for field in fields(factory):
        if field.init:
            kind = _kind(hints.get(field.name, field.type))
            yield Option(field.name, kind, _default(field), where, meanings.get(field.name, ""))


def meanings_of(factory: Any) -> dict[str, str]:
    """Return field -> what the Attributes of the docstring say of it, on one line each."""
    found: dict[str, str] = {}
    named: list[str] = []
    _, _, section = inspect.cleandoc(factory.__doc__ or "").partition("\nAttributes:\n")
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        if entry := re.match(r" {4}(\w+(?:, \w+)*):(.*)", line):
            named = entry[1].split(", ")
            found |= dict.fromkeys(named, entry[2].strip())
        elif line:
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in named}
    return found


def _heading(section: str) -> str:
    return "[[methods]]" if section == "methods" else f"[{section}]"


def _kind(hint: Any) -> str:
    """Return a type as its source has it, a choice as its values."""
    if get_origin(hint) is Literal:
        return " | ".join(json.dumps(value) for value in get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return " | ".join(map(_kind, get_args(hint)))
    if hint is NoneType:
        return "None"
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    return re.sub(r"\b(?:\w+\.)+", "", str(hint))


def _default(field: Field[Any]) -> str:
    """Return the default as TOML would have it, "required" if there is none."""
    if field.default is not MISSING:
        return json.dumps(field.default, default=repr)
    if field.default_factory is not MISSING:
        return json.dumps(field.default_factory(), default=repr)
    return "required"
