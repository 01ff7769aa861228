"""Which code made a cell: a hash of every source file of ours that playing it can import.

Starting from the modules that the cell's rows name and from what plays it, import statements are
followed through `qfl` and `circuits`, also those inside functions. The files are hashed as they
are, so an edited comment counts as a change: a cell is called stale once too often rather than
once too rarely. Other packages are not hashed; their versions are in the provenance.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from qfl.core.arrays import sha256_hex
from qfl.core.cell import Cell
from qfl.core.registry import Registry
from qfl.study import options

_OURS = ("qfl", "circuits")


def fingerprint(cell: Cell, played_by: str) -> str:
    """Return the hash of the code behind a cell.

    Args:
        cell: names the rows.
        played_by: the module of the function that plays it.
    """
    return _hash(frozenset([played_by, *_row_modules(cell)]))


def _row_modules(cell: Cell) -> Iterator[str]:
    """Yield the module of every registry row that the cell names."""
    for section, spec in options.SECTIONS.items():
        settings = cell.solver if section == "methods" else getattr(cell, section)
        name = settings.get("name" if section == "methods" else spec.key)
        yield from _module(options.registry(section), name)
    if "backend" in cell.solver:
        backends: Registry = options.load_target(options.BACKENDS)
        yield from _module(backends, cell.solver["backend"])
        yield from _module(backends, cell.solver["backend"].partition(":")[0])
    if "data" in cell.scenario:
        yield from _module(options.load_target(options.DATASETS), cell.scenario["data"])


def _module(table: Registry, name: str | None) -> Iterator[str]:
    row = table.table().get(name or "")
    if row is not None:
        yield row.target.partition(":")[0]


@cache
def _hash(roots: frozenset[str]) -> str:
    files: dict[str, Path] = {}
    waiting = sorted(roots)
    while waiting:
        module = waiting.pop()
        if module in files or (path := _source(module)) is None:
            continue
        files[module] = path
        if module.partition(".")[0] in _OURS:
            waiting += _imports(path)
    parts = [part for name in sorted(files) for part in (name.encode(), files[name].read_bytes())]
    return sha256_hex(*parts)


@cache
def _source(module: str) -> Path | None:
    """Return the file of a module without importing anything, None for what is no module."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*rest)
    candidates = [base.with_suffix(".py"), base / "__init__.py"] if rest else [Path(spec.origin)]
    return next((path for path in candidates if path.is_file()), None)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Return the modules of ours that a file imports, packages on the way included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    ours = {name for name in found if name.partition(".")[0] in _OURS}
    parents = {name.rsplit(".", depth)[0] for name in ours for depth in range(name.count(".") + 1)}
    return tuple(sorted(ours | parents))
