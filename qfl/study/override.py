"""Dotted keys: how profiles, sweeps and --set name one setting of a study that is still raw."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from qfl.core.errors import UnknownNameError
from qfl.study.options import OWN, SECTIONS, Issue, change_row

_GRID = ("sweep", "profiles")
_ROW_KEYS = {"backend", *(section.key for section in SECTIONS.values())}


def flatten(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables as dotted keys; empty tables and lists are values.

    >>> flatten({"seeds": 2, "federation": {"rounds": 5}})
    {'seeds': 2, 'federation.rounds': 5}
    """
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{rest}": inner for rest, inner in flatten(value).items()}
        else:
            flat[key] = value
    return flat


def apply(study: dict[str, Any], changes: Mapping[str, Any]) -> list[Issue]:
    """Set dotted keys in a raw study, in place; return those that lead nowhere.

    "methods.LABEL.OPTION" names an option of one method, "sweep.KEY" one axis. Whole sections are
    set first, then rows (another algorithm, solver or backend), then options; a row that goes
    takes along the options that only it has. Keys that no section knows are set all the same:
    checking the study refuses them with the nearest match.

    >>> study = {"methods": [{"label": "qaoa", "solver": "qaoa"}]}
    >>> apply(study, {"methods.qaoa.depth": 4}), study["methods"]
    ([], [{'label': 'qaoa', 'solver': 'qaoa', 'depth': 4}])
    """
    issues = []
    for key in sorted(changes, key=_rank):
        value = changes[key]
        top, dot, rest = key.partition(".")
        if not dot:
            study[key] = value
        elif top == "sweep":
            study[top] = {**flatten(study.get(top, {})), rest: value}
        elif top == "methods":
            issues += _set_in_method(study, rest, value)
        elif isinstance(study.setdefault(top, {}), dict):
            _set_option(top, study[top], rest, value)
        else:
            issues.append(Issue(key, f"{top} is a single value, not a table"))
    return issues


def alone(study: Mapping[str, Any], method: Mapping[str, Any]) -> dict[str, Any]:
    """Return a raw study of one of its methods, with what it changes of shared sections.

    >>> study = {"channel": {"name": "plain"}, "methods": ()}
    >>> alone(study, {"solver": "random", "channel": {"name": "masked"}})["channel"]
    {'name': 'masked'}
    """
    label = method.get("label", method.get("solver"))
    found = {key: deepcopy(value) for key, value in study.items() if key not in _GRID}
    found["methods"] = [{key: value for key, value in method.items() if key not in OWN}]
    if isinstance(study.get("headline"), Mapping):
        found["headline"] = {**study["headline"], "method": label, "baseline": label}
    own = {key: method[key] for key in OWN if isinstance(method.get(key), Mapping) and method[key]}
    apply(found, flatten(own))
    return found


def _rank(key: str) -> int:
    """Whole sections first, then rows, then options."""
    return 0 if "." not in key else 1 if key.rpartition(".")[2] in _ROW_KEYS else 2


def _set_option(section: str, table: dict[str, Any], path: str, value: Any) -> None:
    if section in SECTIONS and path in (SECTIONS[section].key, "backend"):
        change_row(section, table, path, value)
    _set(table, path, value)


def _set(table: dict[str, Any], path: str, value: Any) -> None:
    first, dot, rest = path.partition(".")
    if dot:
        inner = table.get(first)
        table[first] = dict(inner) if isinstance(inner, Mapping) else {}
        _set(table[first], rest, value)
    else:
        table[first] = value


def _set_in_method(study: dict[str, Any], rest: str, value: Any) -> list[Issue]:
    given = study.get("methods", ())
    if not isinstance(given, list | tuple) or not all(isinstance(m, Mapping) for m in given):
        return []
    methods = [dict(method) for method in given]
    study["methods"] = methods
    labels = [str(method.get("label", method.get("solver"))) for method in methods]
    for label, method in zip(labels, methods, strict=True):
        if rest.startswith(f"{label}."):
            _set_option("methods", method, rest.removeprefix(f"{label}."), value)
            return []
    unknown = UnknownNameError("method label", rest.partition(".")[0], labels)
    return [Issue(f"methods.{rest}", str(unknown))]
