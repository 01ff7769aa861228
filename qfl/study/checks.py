"""What only several settings of a study together show to be wrong: plain data in, issues out.

Settings may still be malformed here; whatever is not as expected was reported where it was read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel

from qfl.core.arrays import canonical_json
from qfl.core.errors import UnknownNameError
from qfl.study.options import Issue, Issues, build_row

Settings = dict[str, Any]

FEDERATION = ("scenario", "federation", "selection", "channel")
"""The sections of a study that trains; [decision] stands in for all of them."""
PROTECTION = ("privacy", "adversary", "defence", "forget", "clusters", "stream")
"""Sections that a study that trains may have."""


_STAND_INS: Settings = {
    "name": "study",
    "title": "?",
    "question": "?",
    "hypothesis": "?",
    "seeds": 1,
    "sweep": {},
    "profiles": {},
    "reach": None,
}
"""What a study may hold where its own is wrong and nothing else depends on it."""


def despite(given: object, issues: list[Issue], known: Collection[str]) -> Settings | None:
    """Return a raw study with stand-ins for what is wrong, so that the rest can still be checked;
    None where a section is wrong, for what sections show together needs them all.

    Args:
        known: the keys that a study may have; others are left out.

    >>> despite({"seeds": 6, "colour": 1}, [Issue("title", "missing")], ["seeds", "title"])
    {'seeds': 6, 'title': '?'}
    """
    if not isinstance(given, Mapping):
        return None
    metric = "approximation_ratio" if given.get("decision") else "round_seconds"
    headline = {"metric": metric, "method": "?", "baseline": "?"}
    broken = {issue.key.partition(".")[0] for issue in issues}
    kept = {key: value for key, value in given.items() if key in known and key not in broken}
    found = kept | {
        key: value for key, value in {**_STAND_INS, "headline": headline}.items() if key in broken
    }
    return found if all(key in found for key in broken if key in known) else None


def beside(found: list[Issue], issues: list[Issue]) -> list[Issue]:
    """Return those of the issues found that are about no key that has one already.

    >>> beside([Issue("headline.metric", "of nobody")], [Issue("headline", "missing")])
    []
    """
    broken = {issue.key.partition(".")[0] for issue in issues}
    return [issue for issue in found if issue.key.partition(".")[0] not in broken]


def unfit_sections(given: Mapping[str, Any]) -> list[Issue]:
    """Return the sections that are missing, or that a study of decisions has no use for."""
    if not given.get("decision"):
        missing = "missing; a study needs it, or [decision] alone to compare solvers on instances"
        return [Issue(name, missing) for name in FEDERATION if not given.get(name)]
    unused = "a study with [decision] trains nobody; leave this section out"
    return [Issue(name, unused) for name in (*FEDERATION, *PROTECTION) if given.get(name)]


def check_choice(scenario: Settings, federation: Settings) -> None:
    """Refuse to choose more clients than the scenario has."""
    clients, chosen = scenario.get("clients"), federation["clients_per_round"]
    if clients is not None and chosen > clients:
        allowed = f"allowed: 1 to scenario.clients = {clients}"
        raise Issues(
            [Issue("clients_per_round", f"cannot choose {chosen} of {clients}; {allowed}")]
        )


def unfit_candidates(study: Settings) -> list[Issue]:
    """Return one issue where a round chooses more clients than its pool has."""
    chosen = study["federation"].get("clients_per_round", 0)
    pool = study["selection"].get("candidates", chosen)
    if chosen <= pool:
        return []
    message = f"cannot choose {chosen} clients a round from a pool of {pool}; raise it to {chosen}"
    return [Issue("selection.candidates", f"{message} or more")]


def check_public(scenario: Settings, federation: Settings) -> None:
    """Refuse to complete modalities by what is fitted on public samples where there are none."""
    if federation["algorithm"] != "completion" or scenario.get("public_samples"):
        return
    if build_row("federation", federation).needs_public:
        reason = "completion fits its frozen parts on public samples, and there are none"
        cure = 'set scenario.public_samples, or fill = "zeros", "mask" or "drop" without losses'
        raise Issues([Issue("algorithm", f'{reason}; {cure} and with similarity = "off"')])


def check_uplink(federation: Settings) -> None:
    """Refuse a shared uplink that cannot take the uploads of a round."""
    slots, capacity = federation.get("uplink_slots", 0), federation.get("uplink_capacity", 0)
    chosen = federation["clients_per_round"]
    if slots and slots * capacity < chosen:
        room = f"{slots} slots x uplink_capacity {capacity} cannot take {chosen} uploads a round"
        raise Issues([Issue("uplink_slots", f"{room}; raise one of them")])


def check_algorithm(federation: Settings) -> None:
    """Refuse local training that an algorithm cannot learn from."""
    algorithm = federation["algorithm"]
    if algorithm == "scaffold" and federation.get("optimiser", "sgd") != "sgd":
        message = 'scaffold reads gradients off plain steps; set optimiser = "sgd"'
        raise Issues([Issue("optimiser", message)])
    compares = algorithm == "tap" and federation.get("rule") == "held_out"
    if compares and not federation.get("validation_fraction", 0):
        message = 'tap compares models on samples held apart: set it above 0, or rule = "training"'
        raise Issues([Issue("validation_fraction", message)])


def check_ranks(federation: Settings) -> None:
    """Refuse LoRA factors of several ranks where they are averaged like any other tensor."""
    ranks, algorithm = federation.get("lora_ranks", ()), federation["algorithm"]
    if len(set(ranks)) > 1 and algorithm != "fedlora":
        raise Issues(
            [
                Issue(
                    "lora_ranks",
                    f"{algorithm} cannot add factors of ranks {list(ranks)}; take "
                    "algorithm fedlora, which can",
                )
            ]
        )


def without_uplink(methods: list[Settings], federation: Settings) -> list[Issue]:
    """Return one issue for each method that assigns slots where nothing is shared."""
    if federation.get("uplink_slots", 1):
        return []
    message = "there is no shared uplink to schedule; set federation.uplink_slots"
    return [Issue(f"{m['label']}.slots", message) for m in methods if "slots" in m]


def duplicates(methods: list[Settings]) -> list[Issue]:
    """Return one issue for each label used twice and each method that repeats another."""
    issues: list[Issue] = []
    labels: set[str] = set()
    solvers: dict[str, str] = {}
    for method in methods:
        label = method["label"]
        solver = canonical_json({k: v for k, v in method.items() if k != "label"})
        if label in labels:
            issues.append(Issue(label, "two methods have this label; give each its own"))
        elif solver in solvers:
            issues.append(Issue(label, f"same solver and options as {solvers[solver]!r}"))
        labels.add(label)
        solvers[solver] = label
    return issues


def unlabelled(given: Mapping[str, Any]) -> list[Issue]:
    """Return the labels that the headline compares and no method has."""
    methods, headline = given.get("methods"), given.get("headline")
    if isinstance(headline, BaseModel):
        headline = headline.model_dump()
    if not isinstance(methods, list | tuple) or not isinstance(headline, Mapping):
        return []
    labels = [m.get("label", m.get("solver")) for m in methods if isinstance(m, Mapping)]
    return [
        Issue(f"headline.{key}", str(UnknownNameError("method label", name, map(str, labels))))
        for key in ("method", "baseline")
        if isinstance(name := headline.get(key), str) and name not in labels
    ]
