"""Tables of text: columns read by name, numbers and categories turned into one modality."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality

Columns = Mapping[str, NDArray[Any]]


def read_csv(path: Path, *, delimiter: str = ",") -> Columns:
    """Return header -> column of stripped text.

    A byte-order mark, quotes and padding spaces or tabs are taken off.

    Raises:
        ConfigError: a row has more or fewer cells than the header.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file, delimiter=delimiter)]
    header, body = rows[0], [row for row in rows[1:] if row]
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise ConfigError(
                f"{path.name}, row {number}: {len(row)} cells under {len(header)} headings"
            )
    return {name: np.array(cells) for name, *cells in zip(header, *body, strict=True)}


def numbers(columns: Columns, names: Sequence[str]) -> NDArray[np.float64]:
    """Return the named columns as numbers, (n, len(names)).

    >>> numbers({"a": np.array(["1", "2.5"])}, ["a"]).tolist()
    [[1.0], [2.5]]
    """
    return np.stack([columns[name].astype(np.float64) for name in names], axis=1)


def block(
    name: str, columns: Columns, *, numeric: Sequence[str] = (), coded: Sequence[str] = ()
) -> tuple[Modality, NDArray[np.float32]]:
    """Return a tabular modality and its values: numbers first, then categories by sorted order.

    >>> columns = {"age": np.array(["7", "9"]), "sex": np.array(["F", "M"])}
    >>> block("who", columns, numeric=["age"], coded=["sex"])[1].tolist()
    [[7.0, 0.0], [9.0, 1.0]]
    """
    values = [columns[column].astype(np.float32) for column in numeric]
    levels = [0] * len(numeric)
    for column in coded:
        kinds, codes = np.unique(columns[column], return_inverse=True)
        values.append(codes.astype(np.float32))
        levels.append(len(kinds))
    return Modality(name, (len(values),), "tabular", tuple(levels)), np.stack(values, axis=1)


def codes(column: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of every cell among the sorted distinct ones.

    >>> codes(np.array(["no", "yes", "no"])).tolist()
    [0, 1, 0]
    """
    return np.unique(column, return_inverse=True)[1].astype(np.int64)
