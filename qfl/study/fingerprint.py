"""Which code made a cell: a hash of every source file of ours that playing it can reach.

Starting from what plays the cell, imports are followed through `qfl` and `circuits`, also those
inside functions and those written as "module:attribute". Rows of registries are followed only if
the cell's identity mentions their name: work on one solver leaves the cells of others fresh. A
package that is only passed through counts with its own file, not with what it imports. Files are
hashed as they are: an edited comment counts, for a cell is better called stale once too often
than once too rarely. Other packages are not hashed; their versions are in the provenance.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qfl.core.arrays import sha256_hex
from qfl.core.cell import Cell

_OURS = ("qfl", "circuits")
_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.\w+)+)(?::\w+)?")


def fingerprint(cell: Cell, played_by: str) -> str:
    """Return the hash of the code behind a cell.

    Args:
        cell: its identity says which rows of registries are reached.
        played_by: the module of the function that plays it.
    """
    return _hash(played_by, frozenset(_words(cell.identity())))


def reached(played_by: str, words: frozenset[str]) -> dict[str, Path]:
    """Return module -> file of all that is reached from `played_by` with these row names."""
    files: dict[str, Path] = {}
    waiting = [played_by]
    while waiting:
        module = waiting.pop()
        if module in files or (path := _source(module)) is None:
            continue
        files[module] = path
        if module == played_by or module.partition(".")[0] in _OURS:
            links = _links(path)
            waiting += links.modules
            waiting += [target for name, target in links.rows if name in words]
    for module in tuple(files):
        for package in _packages(module):
            if (path := _source(package)) is not None:
                files.setdefault(package, path)
    return files


def _packages(module: str) -> list[str]:
    """Return the packages on the way to a module.

    >>> _packages("qfl.study.assemble")
    ['qfl', 'qfl.study']
    """
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _words(value: Any) -> Iterator[str]:
    """Yield every string in an identity; of a name like "aer:fake_boston" also what leads it."""
    if isinstance(value, str):
        yield value
        yield value.partition(":")[0]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words(item)


@cache
def _hash(played_by: str, words: frozenset[str]) -> str:
    files = sorted(reached(played_by, words).items())
    return sha256_hex(*(part for name, path in files for part in (name.encode(), _bytes(path))))


@cache
def _bytes(path: Path) -> bytes:
    return path.read_bytes()


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


@dataclass(frozen=True, slots=True)
class _Links:
    """Where a file leads: modules in any case, rows (name, module) if a cell names them."""

    modules: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]


@cache
def _links(path: Path) -> _Links:
    tree = ast.parse(_bytes(path))
    rows = dict(_rows(tree))
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and id(node) not in rows:
            modules.update(_target(node))
    known = {name for name in modules if name.partition(".")[0] in _OURS}
    return _Links(tuple(sorted(known)), tuple(rows.values()))


def _rows(tree: ast.AST) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield (id of the node, (name, module)) for each target in {"name": Row("module:X", ...)}."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if (
                isinstance(key, ast.Constant)
                and isinstance(value, ast.Call)
                and isinstance(value.func, ast.Name)
                and value.func.id == "Row"
                and value.args
                and isinstance(value.args[0], ast.Constant)
            ):
                for module in _target(value.args[0]):
                    yield id(value.args[0]), (str(key.value), module)


def _target(node: ast.Constant) -> Iterator[str]:
    """Yield the module that a string names, if it is written like one."""
    if isinstance(node.value, str) and (found := _TARGET.fullmatch(node.value)):
        yield found.group(1)
