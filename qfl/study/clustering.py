"""What cannot be combined with clusters of clients that share copies of modules: why, and what can.

Plain data in, issues out. Every section was checked by itself before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qfl.core.errors import UnknownNameError
from qfl.study.options import Issue, build_row

Settings = Mapping[str, Any]

_PACKING = {
    "centralised": "trains one model on everybody's samples",
    "local": "lets nothing travel",
    "scaffold": "keeps one control variate of every module",
}


def unfit_clusters(study: Settings) -> list[Issue]:
    """Return one issue for each combination of a study that cannot work."""
    if not study["federation"] or not study["scenario"] or not study["channel"]:
        return []
    if study["stream"]:
        return []  # clusters beside a stream are refused there, with advice that fits both
    placed = [
        pattern
        for pattern, change in study["federation"].get("modules", {}).items()
        if change.get("placement") == "cluster"
    ]
    if study["clusters"].get("by", "none") == "none":
        return [
            Issue(
                f"federation.modules.{pattern}.placement",
                "nothing says who is in which cluster; set [clusters] by = "
                '"declared", "loss" or "direction"',
            )
            for pattern in placed
        ]
    if not placed:
        why = "no module is placed cluster, so that nothing is shared in one"
        cure = 'set placement = "cluster" for some in [federation.modules], or by = "none"'
        return [Issue("clusters.by", f"{why}; {cure}")]
    checks = (_attribute, _enough, _algorithm, _sight, _masked_sums, _defence, _going_on)
    return [issue for check in checks for issue in check(study)]


def _learned(study: Settings) -> bool:
    return bool(study["clusters"]["by"] != "declared")


def _attribute(study: Settings) -> Iterator[Issue]:
    """What is declared must be known of the scenario's clients."""
    if _learned(study):
        return
    known = build_row("scenario", study["scenario"]).outline().attributes
    if (asked := study["clusters"]["attribute"]) not in known:
        yield Issue("clusters.attribute", str(UnknownNameError("attribute", asked, known)))


def _enough(study: Settings) -> Iterator[Issue]:
    clusters, clients = study["clusters"], study["scenario"].get("clients")
    if clients is not None and clusters.get("count", 1) > clients:
        yield Issue(
            "clusters.count",
            f"{clusters['count']} clusters of {clients} clients leave some empty; take fewer",
        )
    if (after := clusters.get("after", 0)) and after >= study["federation"]["rounds"]:
        yield Issue(
            "clusters.after",
            f"clients would be divided after round {after} of {study['federation']['rounds']}, "
            "when nobody trains any more; take an earlier round",
        )


def _algorithm(study: Settings) -> Iterator[Issue]:
    """Whoever packs envelopes, or compares whole models, knows one version of every module."""
    federation = study["federation"]
    algorithm = federation["algorithm"]
    why = _PACKING.get(algorithm)
    if algorithm == "fedlora" and federation["lora_rule"] == "stack":
        why = "with stacked pairs moves the base of every client"
    if why:
        yield Issue(
            "federation.algorithm",
            f"{algorithm} {why}, and clusters have copies; take fedavg or another mean",
        )
    if algorithm == "completion" and federation["similarity"] != "off":
        yield Issue(
            "federation.similarity",
            "completion compares whole models, and clusters have copies of some modules; set "
            'similarity = "off"',
        )


def _sight(study: Settings) -> Iterator[Issue]:
    """What clusters are learned from must be seen, and may be."""
    by = study["clusters"]["by"]
    if by == "direction" and study["channel"]["name"] == "masked":
        yield Issue(
            "clusters.by",
            "direction compares single changes, and under masks the server sees sums alone; take "
            "declared, or loss, of which only the choice is told",
        )
    if _learned(study) and study["privacy"].get("mechanism", "none") != "none":
        yield Issue(
            "clusters.by",
            f"{by} lets clients' data decide who shares what, which no noise covers; take declared",
        )


def _masked_sums(study: Settings) -> Iterator[Issue]:
    """Every cluster has sums of its own, in which its clients must be able to hide."""
    channel, count = study["channel"], study["clusters"].get("count", 1)
    chosen = study["federation"]["clients_per_round"]
    if channel["name"] == "masked" and chosen < count * channel["smallest"]:
        yield Issue(
            "clusters.count",
            f"{chosen} clients a round in {count} clusters leave fewer than {channel['smallest']} "
            "for a masked sum of some; take fewer clusters or more clients",
        )


def _defence(study: Settings) -> Iterator[Issue]:
    if study["defence"].get("rule", "none") == "fltrust":
        yield Issue(
            "defence.rule",
            "fltrust trains one model of the server's, and clusters have copies; take another "
            "rule, which compares the changes of every copy by themselves",
        )


def _going_on(study: Settings) -> Iterator[Issue]:
    """What goes on from another federation must know who is in which cluster."""
    method = study["forget"].get("method", "retrain")
    if method in ("sharded", "replay"):
        why = {
            "sharded": "shards never meet, so that a cluster across them has no copy",
            "replay": "replay calibrates one version of every module",
        }
        yield Issue("forget.method", f"{why[method]}; with [clusters], take retrain")
    elif method != "retrain" and _learned(study):
        yield Issue(
            "forget.method", f"{method} forgets who is in which cluster; take declared ones"
        )
