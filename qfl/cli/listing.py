"""`qfl list KIND [NAME]`: what a study can name, what is not installed, and the options of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.output import say, table

if TYPE_CHECKING:
    from qfl.core.registry import Registry, Row

KINDS = {
    "solvers": "qfl.solvers:SOLVERS",
    "backends": "qfl.backends:BACKENDS",
    "problems": "qfl.problems:PROBLEMS",
    "algorithms": "qfl.federation:ALGORITHMS",
    "channels": "qfl.security:CHANNELS",
    "mechanisms": "qfl.security.privacy:MECHANISMS",
    "attacks": "qfl.federation:ATTACKS",
    "rules": "qfl.federation:RULES",
    "clusterings": "qfl.federation:CLUSTERINGS",
    "unlearning": "qfl.federation:UNLEARNING",
    "strategies": "qfl.federation:STRATEGIES",
    "scenarios": "qfl.scenarios:SCENARIOS",
    "datasets": "qfl.data:DATASETS",
    "models": "qfl.models:MODELS",
}

SNAPSHOTS = "snapshots"
"""Devices that are stored with an extra: no table of ours."""


@app.command("list")
def list_kind(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join((*KINDS, SNAPSHOTS))}.")],
    name: Annotated[str | None, typer.Argument(help="One of them, to list its options.")] = None,
) -> None:
    """List what a study can name, with the command that installs what is missing; or the options of
    one of these."""
    if kind == SNAPSHOTS:
        _list_snapshots()
        return
    registry = registry_of(kind)
    if name is not None:
        _list_options(registry, kind, name)
        return
    if registry.kind == "backend":
        _list_backends(registry)
        return
    rows = [(name, _installed(row), row.summary) for name, row in sorted(registry.table().items())]
    table(("name", "installed", "what it is"), rows)


def _list_options(registry: Registry, kind: str, name: str) -> None:
    """Print the options of a row: its own, then those that all rows of its sections share."""
    from qfl.cli.options import options

    found = options(registry, name, _target(kind))
    table(("option", "type", "default", "where", "what it is"), found)
    if not found:
        say(f"{registry.kind} {name} has no options")


def _list_backends(registry: Registry) -> None:
    """Print every backend with its qubits, constraint mixers and account; others as they come."""
    from qfl.backends.traits import TRAITS, qubits

    rows = registry.table()
    known = [each for each in TRAITS if each.row in rows]
    lines = [
        (
            each.name,
            _installed(rows[each.installed_with or each.row]),
            qubits(each),
            ", ".join(mixer for mixer in each.mixers if mixer != "x")
            or "as what it wraps or holds",
            each.account or "no",
            rows[each.row].summary,
        )
        for each in known
    ]
    strangers = sorted(rows.keys() - {each.row for each in known})
    lines += [
        (name, _installed(rows[name]), "?", "?", "?", rows[name].summary) for name in strangers
    ]
    table(
        ("name", "installed", "qubits", "constraint mixers", "account", "what it is"),
        lines,
    )


def _list_snapshots() -> None:
    """Print every stored device with its qubits."""
    from qfl.backends.capacity import snapshot_qubits

    known = sorted(snapshot_qubits().items(), key=lambda each: (-each[1], each[0]))
    table(("name", "qubits"), [(f"aer:{name}", size) for name, size in known])
    if not known:
        from qfl.backends import BACKENDS

        say(f"no snapshot is installed: {_installed(BACKENDS.row('ibm'))}")


def _installed(row: Row) -> str:
    return "yes" if row.installed else f"no: pip install 'qfl[{row.extra}]'"


def registry_of(kind: str) -> Registry:
    """Return the table of a kind, named in the plural or the singular."""
    import importlib

    module, _, name = _target(kind).partition(":")
    registry: Registry = getattr(importlib.import_module(module), name)
    return registry


def _target(kind: str) -> str:
    """Return "module:NAME" of the table of a kind."""
    from qfl.core.errors import UnknownNameError

    target = KINDS.get(kind) or KINDS.get(f"{kind}s")
    if target is None:
        raise UnknownNameError("kind", kind, (*KINDS, SNAPSHOTS))
    return target
