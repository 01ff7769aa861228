"""A table of known answers: its rows, how they are read, and when a computed value agrees.

The file is a list of {id, quantity, inputs, expected, tolerance, source, note}. `expected` is a
number, text, list or object; `tolerance` is {"abs": x} or {"rel": x} and holds for every number
inside `expected`, 0 meaning equality. The second part of `id` names the family that computes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from qfl.core.errors import ConfigError

_FIELDS = ("id", "quantity", "inputs", "expected", "tolerance", "source")
SHIPPED = ("quantum", "security")
"""Tables that come with the package."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """One row of a table.

    Attributes:
        id: dotted; the second part is the family.
        quantity: what it is, in words.
        inputs: what the family computes it from.
        expected: number, text, list or object.
        kind, size: tolerance, "abs" or "rel", and how much.
        source: where the value was published or how it was derived.
        note: anything else.
    """

    id: str
    quantity: str
    inputs: Mapping[str, Any]
    expected: Any
    kind: str
    size: float
    source: str
    note: str = ""

    @property
    def family(self) -> str:
        """Name of what computes it."""
        return self.id.split(".")[1]

    def difference(self, got: Any) -> str:
        """Return the first place where a computed value disagrees, or an empty text.

        >>> row = KnownAnswer("q.toy.a", "", {}, {"x": 1.0}, "abs", 0.1, "")
        >>> row.difference({"x": 1.05}), row.difference({"x": 1.2})
        ('', 'x is 1.2, not 1.0')
        """
        return next(self._differences(self.expected, got, ""), "")

    def _differences(self, expected: Any, got: Any, at: str) -> Iterator[str]:
        if isinstance(expected, dict):
            for key, value in expected.items():
                if not isinstance(got, dict) or key not in got:
                    yield f"{at}{key} is missing"
                else:
                    yield from self._differences(value, got[key], f"{at}{key} ")
        elif isinstance(expected, list):
            if not isinstance(got, list) or len(got) != len(expected):
                yield f"{at}has the wrong length"
            else:
                for i, (one, other) in enumerate(zip(expected, got, strict=True)):
                    yield from self._differences(one, other, f"{at}[{i}] ")
        elif not self._agrees(expected, got):
            plain = got.item() if isinstance(got, np.generic) else got
            yield f"{at}is {plain!r}, not {expected!r}"

    def _agrees(self, expected: Any, got: Any) -> bool:
        if not (_is_number(expected) and _is_number(got)):
            return type(expected) is type(got) and bool(expected == got)
        if expected == got:
            return True
        slack = self.size * (abs(expected) if self.kind == "rel" else 1.0)
        return math.isfinite(got) and abs(got - expected) <= slack


def read_table(path: Path) -> list[KnownAnswer]:
    """Return the rows of a table.

    Raises:
        ConfigError: no such file, not JSON, or not a table; one sentence that names the row.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the table {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read the table {path}: it is not UTF-8 text") from error
    return parse_table(text, str(path))


def shipped_table(name: str) -> list[KnownAnswer]:
    """Return the rows of a table that comes with the package: one of SHIPPED.

    >>> shipped_table("quantum")[0].family
    'maxcut_p1_regular'
    """
    path = files("qfl.testing.known_answers").joinpath(f"{name}.json")
    return parse_table(path.read_text("utf-8"), f"{name}.json")


def parse_table(text: str, source: str) -> list[KnownAnswer]:
    """Return the rows of a table in JSON; `source` names it in messages."""
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{source} is not JSON: {error}") from error
    if not isinstance(rows, list):
        raise ConfigError(f"{source} must hold a list of rows, not a {type(rows).__name__}")
    answers = [_row(row, f"{source}, row {i}") for i, row in enumerate(rows)]
    seen: set[str] = set()
    for answer in answers:
        if answer.id in seen:
            raise ConfigError(f"{source} has two rows with the id {answer.id!r}")
        seen.add(answer.id)
    return answers


def _row(row: Any, where: str) -> KnownAnswer:
    if not isinstance(row, dict):
        raise ConfigError(f"{where} must be an object, not {row!r}")
    missing = [field for field in _FIELDS if field not in row]
    if missing:
        raise ConfigError(f"{where} lacks {', '.join(missing)}")
    name, tolerance = row["id"], row["tolerance"]
    if not isinstance(name, str) or name.count(".") < 1 or not all(name.split(".")):
        raise ConfigError(f"{where} needs an id like 'q.family.case', got {name!r}")
    if not isinstance(row["inputs"], dict):
        raise ConfigError(f"{where} ({name}) needs an object of inputs, got {row['inputs']!r}")
    if not (
        isinstance(tolerance, dict)
        and len(tolerance) == 1
        and set(tolerance) <= {"abs", "rel"}
        and all(_is_number(size) and 0 <= size < math.inf for size in tolerance.values())
    ):
        raise ConfigError(
            f'{where} ({name}) needs a tolerance {{"abs": x}} or {{"rel": x}} with x >= 0, '
            f"got {tolerance!r}"
        )
    ((kind, size),) = tolerance.items()
    return KnownAnswer(
        id=name,
        quantity=str(row["quantity"]),
        inputs=row["inputs"],
        expected=row["expected"],
        kind=kind,
        size=float(size),
        source=str(row["source"]),
        note=str(row.get("note", "")),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
