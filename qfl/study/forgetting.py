"""What cannot be combined with a request to forget: why, and what can.

Plain data in, issues out. Every section was checked by itself before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qfl.core.errors import UnknownNameError
from qfl.study.options import Issue, build_row

Settings = Mapping[str, Any]

_AVERAGING = ("fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi")
_FORGETTING = (*_AVERAGING, "scaffold", "fedlora")
"""Algorithms that start afresh when somebody leaves and keep no other model of anybody."""


def unfit_forgetting(study: Settings) -> list[Issue]:
    """Return one issue for each combination of a study that cannot work."""
    if not study["forget"] or not study["federation"] or not study["channel"]:
        return []
    checks = (_names, _rounds, _company, _algorithm, _replay, _shards)
    return [issue for check in checks for issue in check(study)]


def _names(study: Settings) -> Iterator[Issue]:
    """What is to be forgotten must be there."""
    known, asked = build_row("scenario", study["scenario"]).outline(), study["forget"]
    kinds = {
        "client": (asked["clients"], known.clients),
        "modality": ([asked["modality"]], known.modalities),
        "task": ([asked["task"]], known.tasks),
    }
    for kind, (names, allowed) in kinds.items():
        for name in names:
            if name and name not in allowed:
                key = "clients" if kind == "client" else kind
                yield Issue(f"forget.{key}", str(UnknownNameError(kind, name, allowed)))


def _rounds(study: Settings) -> Iterator[Issue]:
    asked, rounds = study["forget"]["round"], study["federation"]["rounds"]
    if not 2 <= (asked or rounds) <= rounds:
        yield Issue(
            "forget.round",
            f"round {asked or rounds} of {rounds} is for forgetting; allowed: 2 to {rounds}, or 0 "
            "for the last, so that there is something to forget",
        )


def _company(study: Settings) -> Iterator[Issue]:
    if study["privacy"].get("mechanism", "none") != "none":
        yield Issue(
            "forget.method",
            "training again spends the privacy budget of those who stay again, which no account "
            "covers; leave [privacy] or [forget] out",
        )
    if study["adversary"].get("attack", "none") != "none":
        yield Issue(
            "forget.method",
            "liars are drawn once among all clients and remember them; leave [adversary] or "
            "[forget] out",
        )


def _algorithm(study: Settings) -> Iterator[Issue]:
    algorithm = study["federation"]["algorithm"]
    if algorithm not in _FORGETTING:
        yield Issue(
            "federation.algorithm",
            f"{algorithm} keeps more than the modules that are forgotten from; with [forget], take "
            f"{', '.join(_FORGETTING)}",
        )


def _replay(study: Settings) -> Iterator[Issue]:
    if study["forget"]["method"] != "replay":
        return
    if study["channel"]["name"] == "masked":
        yield Issue(
            "forget.method",
            "replay stores single updates, and under masks the server sees sums alone; take "
            "retrain or sharded",
        )
    algorithm = study["federation"]["algorithm"]
    if algorithm in _FORGETTING and algorithm not in _AVERAGING:
        yield Issue(
            "forget.method",
            f"replay calibrates changes of modules, and {algorithm} sends something else; take "
            "retrain or sharded",
        )


def _shards(study: Settings) -> Iterator[Issue]:
    chosen, shards = study["federation"]["clients_per_round"], study["forget"].get("shards", 1)
    if chosen % shards:
        yield Issue(
            "forget.shards",
            f"{chosen} clients a round cannot be divided evenly among {shards} shards; take "
            "another number of either",
        )
