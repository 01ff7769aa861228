"""What cannot be combined with a stream of stages: why, and what can.

Plain data in, issues out. Every section was checked by itself before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.metrics import OF_CLIENTS_IN_STREAMS, OF_ROUNDS
from qfl.core.registry import load
from qfl.core.rng import Streams
from qfl.federation.continual.rounds import ends
from qfl.models.keys import ModuleKey
from qfl.models.policies import exchange_policy
from qfl.study.options import SECTIONS, Issue, build, build_row, shared

Settings = Mapping[str, Any]

_OF_NO_SERVER = (*OF_CLIENTS_IN_STREAMS, *OF_ROUNDS, "memory_bytes")
"""What may head a study whose clients keep modules at home."""

_STARTING_AFRESH = (
    *("fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "scaffold", "fedlora"),
    "ditto",
)
"""Algorithms that start afresh in every stage; what clients keep is handed on."""


def unfit_stream(study: Settings) -> list[Issue]:
    """Return one issue for each combination of a study that cannot work."""
    if not study["stream"] or not study["federation"] or not study["scenario"]:
        return []
    checks = (_names, _rounds, _memory, _company, _algorithm, _copies, _headline)
    return [issue for check in checks for issue in check(study)]


def undivided(cells: Iterable[Cell]) -> list[Issue]:
    """Return one issue for each stream whose stages cannot be made of the data of some cell.

    Args:
        cells: of a study; equal scenarios and streams are divided once per seed.
    """
    asked: dict[str, Cell] = {}
    for cell in cells:
        if cell.stream:
            key = {"scenario": cell.scenario, "stream": changes(cell.stream), "seed": cell.seed}
            asked.setdefault(canonical_json(key), cell)
    found: dict[str, list[int]] = {}
    for cell in asked.values():
        streams = Streams(cell.seed)
        stream = build(load(SECTIONS["stream"].shared[0]), cell.stream)
        try:
            stream.divided(build_row("scenario", cell.scenario).build(streams), streams)
        except ConfigError as error:
            found.setdefault(str(error), []).append(cell.seed)
    return [
        Issue("stream.kind", f"{reason} (seed {', '.join(map(str, sorted(set(seeds))))})")
        for reason, seeds in found.items()
    ]


def changes(stream: Settings) -> dict[str, Any]:
    """Return what a stream changes from stage to stage, without the way to go through it."""
    return {key: value for key, value in stream.items() if key in shared("stream")}


def _names(study: Settings) -> Iterator[Issue]:
    """Tasks that come, or whose classes do, must be there."""
    known, stream = build_row("scenario", study["scenario"]).outline().tasks, study["stream"]
    for key, names in (("tasks", stream["tasks"]), ("task", [stream["task"]])):
        for name in names:
            if name and name not in known:
                yield Issue(f"stream.{key}", str(UnknownNameError("task", name, known)))


def _rounds(study: Settings) -> Iterator[Issue]:
    stream = study["stream"]
    try:
        ends(study["federation"]["rounds"], stream["stages"], stream["rounds"])
    except ConfigError as error:
        yield Issue("stream.rounds", str(error))


def _memory(study: Settings) -> Iterator[Issue]:
    stream = study["stream"]
    if stream["strategy"] != "replay":
        return
    try:
        build_row("stream", stream).check(stream["stages"])
    except ConfigError as error:
        yield Issue("stream.memory", str(error))


def _company(study: Settings) -> Iterator[Issue]:
    reasons = {
        "privacy": "every stage is priced as a federation of its own, which no account adds up",
        "adversary": "liars are drawn once among all clients and remember them",
        "forget": "what is forgotten in a round would come back with its stage",
    }
    for name, reason in reasons.items():
        section = study[name]
        if section and section[SECTIONS[name].key] != "none":
            yield Issue("stream.strategy", f"{reason}; leave [{name}] or [stream] out")
    if study["clusters"].get("by", "none") != "none":
        yield Issue(
            "stream.strategy",
            "every stage founds a federation of its own, with one copy of every module; leave "
            '[stream] out, or else [clusters] and every placement = "cluster"',
        )


def _algorithm(study: Settings) -> Iterator[Issue]:
    algorithm = study["federation"]["algorithm"]
    if algorithm not in _STARTING_AFRESH:
        yield Issue(
            "federation.algorithm",
            f"{algorithm} keeps more than the modules that go from stage to stage; with [stream], "
            f"take {', '.join(_STARTING_AFRESH)}",
        )
    elif study["stream"]["strategy"] == "regularised" and algorithm != "fedavg":
        yield Issue(
            "federation.algorithm",
            f"the pull of regularised takes the place of what {algorithm} adds at clients and the "
            "server; take fedavg, or strategy naive or replay",
        )


def _copies(study: Settings) -> Iterator[Issue]:
    """Who is in which cluster is not handed on from stage to stage."""
    for pattern, change in study["federation"]["modules"].items():
        if change.get("placement") == "cluster" and study["clusters"].get("by", "none") == "none":
            yield Issue(
                f"federation.modules.{pattern}.placement",
                f"every cluster has its own copy of {pattern}, and every stage founds a federation "
                "with one copy of every module; take global, local or frozen, or leave [stream] "
                "out",
            )


def _headline(study: Settings) -> Iterator[Issue]:
    """What heads a study must be of a model that somebody uses."""
    federation, measured = study["federation"], study["headline"]["metric"]
    if measured in _OF_NO_SERVER:
        return
    if "local" in _placements(federation):
        yield Issue(
            "headline.metric",
            f"clients keep modules at home, and {measured} is of the server's model, which nobody "
            f"would use; take {', '.join(OF_CLIENTS_IN_STREAMS)}, or leave nothing at home",
        )


def _placements(federation: Settings) -> set[str]:
    """Return where the modules of a model are placed: by its kinds, and single ones by pattern."""
    policy, changed = exchange_policy(federation["exchange"]), federation["modules"]
    found = {change["placement"] for change in changed.values() if "placement" in change}
    schedule = build(load(SECTIONS["federation"].shared[0]), federation)
    for kind in schedule.recipe.kinds:
        whole = str(ModuleKey(kind))
        placement: str = policy[whole].placement
        for pattern, change in changed.items():
            if fnmatchcase(whole, pattern):
                placement = change.get("placement", placement)
        found.add(placement)
    return found
