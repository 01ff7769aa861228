"""Tables of what the suite can do: a name, where its code lives, the extra it needs, one line.

Each package with interchangeable parts keeps one `Registry` in its `__init__.py`. Rows are
resolved when used, so listing them imports nothing. Other distributions add rows through the
entry-point group `qfl.<kind>` (entry name = row name, value = "module:attribute").
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from qfl.core.errors import ConfigError, MissingExtraError, UnknownNameError, nearest


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a registry.

    Attributes:
        target: "module:attribute" of the implementation.
        summary: one line for `qfl list`.
        extra: the optional dependency set it needs, or "" for none.
        requires: modules that the extra installs; dotted where the top level is shared.
    """

    target: str
    summary: str
    extra: str = ""
    requires: tuple[str, ...] = ()

    @property
    def installed(self) -> bool:
        """True if every required module can be found; at most its parents are imported."""
        return all(_found(module) for module in self.requires)


@dataclass(frozen=True, slots=True)
class Registry:
    """The rows of one kind, for instance all solvers."""

    kind: str
    rows: Mapping[str, Row]

    def table(self) -> dict[str, Row]:
        """Return all rows by name, those of other distributions included."""
        return {**_plugins(self.kind), **self.rows}

    def row(self, name: str) -> Row:
        """Return one row.

        Raises:
            UnknownNameError: no row has this name; the message lists the rows and the nearest.
        """
        if name in self.rows:
            return self.rows[name]
        table = self.table()
        if name not in table:
            raise UnknownNameError(self.kind, name, table)
        return table[name]

    def resolve(self, name: str) -> Any:
        """Import and return the implementation behind `name`.

        Raises:
            UnknownNameError: no row has this name.
            MissingExtraError: the row needs an optional dependency that is not installed.
        """
        row = self.row(name)
        if not row.installed:
            raise MissingExtraError(f"{self.kind} {name!r}", row.extra)
        return load(row.target)

    def configure(self, name: str, options: Mapping[str, Any]) -> Any:
        """Return the implementation behind `name`, constructed with `options`.

        Raises:
            UnknownNameError: no row has this name.
            MissingExtraError: the row needs an optional dependency that is not installed.
            ConfigError: an option that it does not have, or one without a default left out.
        """
        factory = self.resolve(name)
        parameters = inspect.signature(factory).parameters
        for key in options:
            if key not in parameters:
                raise ConfigError(
                    f"{self.kind} {name!r} has no option {key!r}{nearest(key, parameters)}; "
                    f"allowed: {', '.join(sorted(parameters)) or 'none'}"
                )
        missing = [
            key
            for key, parameter in parameters.items()
            if parameter.default is inspect.Parameter.empty and key not in options
        ]
        if missing:
            raise ConfigError(
                f"{self.kind} {name!r} needs {', '.join(missing)}: there is no honest default"
            )
        return factory(**options)


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent is missing
        return False


def load(target: str) -> Any:
    """Import and return what "module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


@cache
def _plugins(kind: str) -> dict[str, Row]:
    """Return the rows of other distributions; scanning for them is slow, so it is done once."""
    points = entry_points(group=f"qfl.{kind}s")
    return {point.name: Row(point.value, f"from {point.module}") for point in points}
