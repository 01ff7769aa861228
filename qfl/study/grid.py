"""A study as an ordered list of cells, with the labels that name each on the study's axes.

Seeds come first, so that an unfinished study already holds complete pairs of methods.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

from qfl.core.arrays import canonical_json, sha256_hex
from qfl.core.cell import Cell
from qfl.core.errors import ConfigError, nearest
from qfl.study.axes import points
from qfl.study.model import Study
from qfl.study.options import OWN, build_row
from qfl.study.override import flatten
from qfl.study.streaming import changes

_METHODS = "methods."


def cells(study: Study) -> list[Cell]:
    """Return the cells of a study, each once: seed by seed, then axis by axis, then by method.

    Labels are {"method": label} and one entry per axis of the sweep that the cell varies on; an
    axis is called by the last part of its key where that is unique.
    """
    shared = {key: values for key, values in study.sweep.items() if not key.startswith(_METHODS)}
    places = [(point, study.at(point)) for point in points(shared) or [{}]]
    variants = [list(_variants(place, study.sweep)) for _, place in places]
    names = axis_names(study.sweep)
    found: dict[str, Cell] = {}
    for seed, ((point, _), methods) in product(study.seeds, zip(places, variants, strict=True)):
        for own, method, place in methods:
            labels = {names[key]: _text(value) for key, value in {**point, **own}.items()}
            cell = Cell(
                scenario=_with_data(place.scenario),
                federation=place.federation,
                selection=place.selection,
                solver=_solver(method),
                channel=place.channel,
                privacy=place.privacy,
                adversary=place.adversary,
                defence=place.defence,
                forget=place.forget,
                clusters=place.clusters,
                stream=place.stream,
                seed=seed,
                decision=place.decision,
                labels={"method": method["label"], **labels},
            )
            found.setdefault(cell.id, cell)
    return list(found.values())


def pairing_key(cell: Cell) -> str:
    """Return the hash of everything but the solver and the sections that methods may have of
    their own: equal keys meet the same seed, instance, partition, stages and initial weights, so
    that their difference is the method's."""
    own = {"solver", *OWN}
    rest = {key: value for key, value in cell.identity().items() if key not in own}
    if cell.stream:
        rest["stream"] = changes(cell.stream)
    return sha256_hex(canonical_json(rest).encode())


def axis_names(sweep: Mapping[str, Any]) -> dict[str, str]:
    """Return what each axis is called: the last part of its key, or all of it if that is taken.

    Axes of different methods may share a name, for no cell varies on both.

    >>> axis_names({"scenario.clients": (8,), "methods.a.depth": (1, 2), "methods.b.depth": (1,)})
    {'scenario.clients': 'clients', 'methods.a.depth': 'depth', 'methods.b.depth': 'depth'}
    """
    last = {key: key.rpartition(".")[2] for key in sweep}

    def meets(key: str, other: str) -> bool:
        apart = key.startswith(_METHODS) and other.startswith(_METHODS)
        return not apart or key.split(".")[1] == other.split(".")[1]

    def taken(key: str, name: str) -> bool:
        rivals = (other for other in last if other != key and last[other] == name)
        return name == "method" or any(meets(key, other) for other in rivals)

    return {key: key if taken(key, name) else name for key, name in last.items()}


def select(found: Sequence[Cell], only: Mapping[str, Sequence[str]]) -> list[Cell]:
    """Return the cells that carry one of the wanted texts on every wanted key.

    Args:
        only: {"method": ["qaoa", "greedy"], "backend": ["subspace"]}; a key is "seed", a label,
            or the end of a dotted key of the identity.

    Raises:
        ConfigError: no cell has such a key, or nothing is left.
    """
    facts = {cell.id: _facts(cell) for cell in found}
    for key, wanted in only.items():
        known = sorted({name for each in facts.values() for name in each})
        values = sorted({v for each in facts.values() for v in _matching(each, key)})
        if not values:
            raise ConfigError(
                f"no cell has {key!r}{nearest(key, known)}; known: {', '.join(known)}"
            )
        found = [c for c in found if set(wanted) & set(_matching(facts[c.id], key))]
        if not found:
            raise ConfigError(
                f"no cell has {key} = {' or '.join(wanted)}; values: {', '.join(values)}"
            )
    return list(found)


def _facts(cell: Cell) -> dict[str, str]:
    identity = {key: _text(value) for key, value in flatten(cell.identity()).items()}
    return {**identity, **cell.labels}


def _matching(facts: Mapping[str, str], key: str) -> list[str]:
    if key in facts:
        return [facts[key]]
    return [value for name, value in facts.items() if name.endswith(f".{key}")]


def _variants(
    study: Study, sweep: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], dict[str, Any], Study]]:
    """Yield what varies on a method's own axes, the method that results, and its study."""
    for method in study.methods:
        prefix = f"{_METHODS}{method['label']}."
        axes = {key: values for key, values in sweep.items() if key.startswith(prefix)}
        for values in product(*axes.values()):
            own = dict(zip(axes, values, strict=True))
            place = study.at(own)
            found = next(m for m in place.methods if m["label"] == method["label"])
            yield own, found, place.for_method(found)


def _solver(method: Mapping[str, Any]) -> dict[str, Any]:
    options = {key: value for key, value in method.items() if key not in ("label", "solver", *OWN)}
    return {"name": method["solver"], **options}


def _with_data(scenario: Mapping[str, Any]) -> dict[str, Any]:
    return {**scenario, **_data(canonical_json(scenario))} if scenario else {}


@cache
def _data(scenario: str) -> dict[str, str]:
    """Return the id and hash of a scenario's data set, loaded once per scenario and process."""
    data = build_row("scenario", json.loads(scenario)).dataset()
    return {"data": data.name, "data_sha256": data.sha256}


def _text(value: Any) -> str:
    """Return how an axis value is written: strings bare, the rest as JSON.

    >>> _text("subspace"), _text(0.1), _text([1, 2])
    ('subspace', '0.1', '[1, 2]')
    """
    return value if isinstance(value, str) else json.dumps(value, default=list)
