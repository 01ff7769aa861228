"""The sections of a study, checked against the registry rows that they name.

A section is flat: one key names a row ("name", "algorithm", "problem", "solver"), the others are
options. Options are the fields of the row's frozen dataclass, joined by the fields that every row
of the section shares. Checking returns every option, defaults resolved, as plain JSON types: that
is what a cell's identity holds. Rows are imported when a section names them, not before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from circuits.qaoa import MIXERS
from qfl.core.errors import MissingExtraError, QflError, nearest
from qfl.core.registry import Registry, load

T = TypeVar("T")


class Issue(NamedTuple):
    """One thing that is wrong in a study: where, and what to do about it."""

    key: str
    message: str


class Issues(ValueError):
    """Everything wrong in one section; a ValueError so that pydantic collects it."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(f"{key}: {message}" for key, message in issues))
        self.issues = tuple(issues)


@dataclass(frozen=True, slots=True)
class Section:
    """How one section is checked.

    Attributes:
        registry: "module:NAME" of the table its row comes from.
        key: the key that names the row.
        shared: "module:Dataclass" of options that all rows share.
        row_options: whether the row's own fields are options of the section.
        reserved: keys that belong to the study, not to the row.
    """

    registry: str
    key: str = "name"
    shared: tuple[str, ...] = ()
    row_options: bool = True
    reserved: tuple[str, ...] = ()


OWN = ("federation", "selection", "channel", "privacy", "defence", "forget", "clusters", "stream")
"""Sections of which a method may bring its own options, as a table."""

SECTIONS: dict[str, Section] = {
    "scenario": Section("qfl.scenarios:SCENARIOS"),
    "federation": Section(
        "qfl.federation:ALGORITHMS",
        key="algorithm",
        shared=(
            "qfl.federation.plan:Schedule",
            "qfl.federation.engine:LocalTraining",
            "qfl.federation.deciding.uplink:SharedUplink",
        ),
    ),
    "selection": Section(
        "qfl.problems:PROBLEMS",
        key="problem",
        shared=("qfl.federation.deciding.selection:SelectionWeights",),
        row_options=False,
    ),
    "channel": Section("qfl.security:CHANNELS"),
    "privacy": Section("qfl.security.privacy:MECHANISMS", key="mechanism"),
    "adversary": Section("qfl.federation:ATTACKS", key="attack"),
    "defence": Section("qfl.federation:RULES", key="rule"),
    "forget": Section(
        "qfl.federation:UNLEARNING",
        key="method",
        shared=("qfl.federation.unlearning.requests:Request",),
    ),
    "clusters": Section("qfl.federation:CLUSTERINGS", key="by"),
    "stream": Section(
        "qfl.federation:STRATEGIES",
        key="strategy",
        shared=("qfl.federation.continual.streams:Stream",),
    ),
    "decision": Section(
        "qfl.problems:PROBLEMS", key="problem", shared=("qfl.study.decide:Repetition",)
    ),
    "methods": Section("qfl.solvers:SOLVERS", key="solver", reserved=("label", "slots", *OWN)),
}
SLOTS = Section("qfl.solvers:SOLVERS", key="solver")
"""The table `slots` of a method: who assigns the uploads of a round to slots."""

BACKENDS, TARGETS = "qfl.backends:BACKENDS", "qfl.backends:TARGETS"
WRAPPERS = "qfl.backends:WRAPPERS"


def registry(section: str) -> Registry:
    """Return the table that a section names its row from."""
    return load(SECTIONS[section].registry)


def shared(section: str) -> set[str]:
    """Return the names of the options that all rows of a section share.

    >>> sorted(shared("decision"))
    ['repeats']
    """
    return {name for target in SECTIONS[section].shared for name in _names(load(target))}


def resolve(section: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section with every option, defaults resolved, as plain JSON types.

    Raises:
        Issues: everything wrong with the section, each with its key.
    """
    issues: list[Issue] = []
    values = _resolve(SECTIONS[section], given, issues)
    if section == "methods" and "slots" in given:
        values["slots"] = _slots(given["slots"], issues)
    if issues:
        raise Issues(issues)
    return values


def resolve_backend(backend: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a backend, defaults resolved, as a solver's `backend_options` has them.

    Raises:
        Issues: everything wrong with them.
    """
    issues: list[Issue] = []
    found = _backend({"backend": backend, "backend_options": options}, issues)
    if issues:
        raise Issues(issues)
    resolved: dict[str, Any] = found["backend_options"]
    return resolved


def _resolve(spec: Section, given: Mapping[str, Any], issues: list[Issue]) -> dict[str, Any]:
    """Return what `resolve` returns, and add to `issues` what is wrong."""
    values = {key: given[key] for key in spec.reserved if key in given}
    row = _row(load(spec.registry), given.get(spec.key), spec.key, issues)
    values[spec.key] = given.get(spec.key)
    parts = [load(target) for target in spec.shared]
    if row is not None and spec.row_options:
        parts.append(row)
    known = {spec.key, *spec.reserved, *(name for part in parts for name in _names(part))}
    if row is not None:
        issues += [Issue(key, _unknown(key, known)) for key in given if key not in known]
    for part in parts:
        try:
            values |= _typed(part, {k: v for k, v in given.items() if k in _names(part)})
        except Issues as found:
            issues += found.issues
    if row is not None and spec.row_options:
        if "backend" in _names(row) and "backend" in (values | dict(given)):
            values |= _backend(values | dict(given), issues)
        issues += _other_places(values)
        if not issues:
            issues += _unfit_mixers(values)
    return values


def _slots(given: object, issues: list[Issue]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        issues.append(Issue("slots", f"must be a table with a solver, got {given!r}"))
        return {}
    found: list[Issue] = []
    values = _resolve(SLOTS, given, found)
    issues += [Issue(f"slots.{key}".rstrip("."), message) for key, message in found]
    return values


def build(factory: Callable[..., T], settings: Mapping[str, Any]) -> T:
    """Return `factory` constructed from those of `settings` that are its fields.

    Settings come from a cell, so tuples may have become lists; they are turned back.

    >>> build(Section, {"registry": "qfl.data:DATASETS", "reserved": ["label"]}).reserved
    ('label',)
    """
    own = {key: value for key, value in settings.items() if key in _names(factory)}
    made: T = _adapter(factory).validate_json(json.dumps(own), strict=True)
    return made


def build_row(section: str, settings: Mapping[str, Any]) -> Any:
    """Return the implementation that a cell's section names, constructed with its options."""
    key = "name" if section == "methods" else SECTIONS[section].key
    return build(registry(section).resolve(settings[key]), settings)


def change_row(section: str, settings: dict[str, Any], key: str, name: object) -> None:
    """Drop, in place, the options that only the row being replaced by `name` has.

    Of a row that nobody knows, all that the new one has no use for: its name is reported already.

    Args:
        section: whose settings these are.
        settings: raw, possibly wrong: then nothing is dropped and checking tells.
        key: the section's own key, or "backend".
        name: the new row.
    """
    table, options = registry(section), settings
    kept = {*shared(section), *SECTIONS[section].reserved}
    if key == "backend":
        table, options, kept = load(BACKENDS), settings.get("backend_options", {}), set()
    old, new = (_fields_of(table, each) for each in (settings.get(key), name))
    if isinstance(options, dict) and _is_unknown(table, settings.get(key)):
        old = set(options) - {key}
    if old is None or new is None or not isinstance(options, dict):
        return
    for option in (old - new - kept) & options.keys():
        del options[option]


def _fields_of(table: Registry, name: object) -> set[str] | None:
    """Return the options of a row, None if there is no such row or it is not installed."""
    rows = table.table()
    if not isinstance(name, str):
        return None
    family = name if name in rows else name.partition(":")[0]
    if family not in rows or not rows[family].installed:
        return None
    return set(_names(table.resolve(family)))


def _is_unknown(table: Registry, name: object) -> bool:
    return isinstance(name, str) and name.partition(":")[0] not in table.table()


def explain(error: ValidationError, allowed: Sequence[str]) -> Iterator[Issue]:
    """Yield what pydantic found in a study, sections unfolded, each with its dotted key."""
    for detail in error.errors(include_url=False):
        path = ".".join(str(part) for part in detail["loc"])
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, Issues):
            for key, message in cause.issues:
                yield Issue(".".join(part for part in (path, key) if part), message)
        elif detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1:
            yield Issue(path, _unknown(path, allowed))
        else:
            yield Issue(path, _sentence(detail))


def _row(table: Registry, name: object, key: str, issues: list[Issue]) -> Any:
    """Return the row's dataclass, or None after noting why there is none."""
    if not isinstance(name, str):
        seen = "missing" if name is None else f"must be a string, got {name!r}"
        issues.append(Issue(key, f"{seen}; allowed: {', '.join(sorted(table.table()))}"))
        return None
    try:
        return table.resolve(name)
    except MissingExtraError as error:
        with suppress(ImportError):  # options can be checked; its cells are skipped and say why
            return load(table.row(name).target)
        issues.append(Issue(key, str(error)))
        return None
    except QflError as error:
        issues.append(Issue(key, str(error)))
        return None


def _backend(values: Mapping[str, Any], issues: list[Issue]) -> dict[str, Any]:
    """Return the resolved options of a solver's backend; "row:target" sets one of them."""
    table: Registry = load(BACKENDS)
    targets: Mapping[str, str] = load(TARGETS)
    name, given = values.get("backend"), values.get("backend_options", {})
    target: dict[str, Any] = {}
    if isinstance(name, str) and name not in table.table():
        family, colon, rest = name.partition(":")
        if colon and family in targets:
            name, target = family, {targets[family]: rest}
    row = _row(table, name, "backend", issues)
    if row is None or not isinstance(given, Mapping):
        return {}
    allowed = [key for key in _names(row) if key not in target]
    known = {key: value for key, value in given.items() if key in allowed}
    found = [Issue(key, _unknown(key, allowed)) for key in given if key not in known]
    resolved: dict[str, Any] = {}
    try:
        resolved = _typed(row, {**known, **target})
    except Issues as wrong:
        found += wrong.issues
    if name in load(WRAPPERS) and "backend" in resolved:
        _backend(resolved, found)  # what it wraps is checked, and stays as it was given
    issues += [Issue(f"backend_options.{key}".rstrip("."), message) for key, message in found]
    return {"backend_options": {key: resolved[key] for key in allowed if key in resolved}}


def _other_places(settings: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what is wrong with the backends that options name beside a solver's own."""
    found: list[Issue] = []
    if isinstance(where := settings.get("training_backend"), str):
        _backend({"backend": where}, found)
        for key, message in found:
            yield Issue(f"training_{key}", message)
    for name, inner in settings.items():
        if isinstance(inner, Mapping) and isinstance(inner.get("backend"), str):
            if name != "backend_options":
                found = []
                _backend(inner, found)
                found += _other_places(inner)
                yield from (Issue(f"{name}.{key}", message) for key, message in found)


def _unfit_mixers(settings: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield the mixers that a backend named beside them does not run, at any depth."""
    mixer, options = settings.get("mixer"), settings.get("backend_options") or {}
    for key, given in (("backend", options), ("training_backend", {})):
        if mixer in MIXERS and isinstance(name := settings.get(key), str):
            place, _ = load("qfl.backends:innermost")(name, given)
            allowed = load("qfl.backends.traits:mixers")(place)
            if allowed and mixer not in allowed:
                reason = f"{key} {place!r} does not run mixer {mixer!r}"
                yield Issue("mixer", f"{reason}; allowed: {', '.join(allowed)}")
    for name, inner in settings.items():
        if isinstance(inner, Mapping) and name != "backend_options":
            yield from (Issue(f"{name}.{key}", message) for key, message in _unfit_mixers(inner))


@cache
def _adapter(factory: Any) -> TypeAdapter[Any]:
    return TypeAdapter(factory)


@cache
def _names(factory: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(factory) if field.init)


def _typed(factory: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all fields of `factory` as JSON types, given ones checked, others by default."""
    endless = [key for key, value in given.items() if not _finite(value)]
    if endless:
        raise Issues([Issue(key, f"must be finite, got {given[key]!r}") for key in endless])
    try:
        made = build(factory, given)
    except ValidationError as error:
        raise Issues(
            [
                Issue(".".join(str(part) for part in detail["loc"]), _sentence(detail))
                for detail in error.errors(include_url=False)
            ]
        ) from None
    except QflError as error:
        raise Issues([Issue("", str(error))]) from None
    dumped = _adapter(factory).dump_python(made, mode="json")
    strays = [
        Issue(f"{key}.{stray}", _unknown(stray, dumped[key].keys()))
        for key, value in given.items()
        if isinstance(value, Mapping)
        for stray in value.keys() - dumped[key].keys()
    ]
    if strays:
        raise Issues(strays)
    return {name: dumped[name] for name in _names(factory)}


def _finite(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_finite(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(_finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def _unknown(key: str, allowed: Collection[str]) -> str:
    return f"unknown key{nearest(key, allowed)}; allowed: {', '.join(sorted(allowed)) or 'none'}"


def _sentence(detail: Mapping[str, Any]) -> str:
    """Return pydantic's finding as what is allowed and what was seen."""
    if detail["type"] == "missing":
        return "missing; it has no default"
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["loc"] and "got " not in text:
        text = f"{text}, got {detail['input']!r}"
    return text
