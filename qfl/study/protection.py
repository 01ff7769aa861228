"""Channels, privacy, attacks and rules that cannot work together: why, and what can.

Plain data in, issues out. Every section was checked by itself before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qfl.core.errors import ConfigError
from qfl.security.robust import check_visible
from qfl.study.options import Issue, build_row

_AVERAGING = ("fedavg", "fedprox")
_AVERAGING_TOO = ("fedavg_local", "ditto", "disentangle", "tap")
_SINGLE_UPDATES = {
    "centralised": "collects the samples of each client",
    "fedlora": "multiplies the factors of each client before it adds",
}
_NOT_PRIVATE = {
    "centralised": "sends the samples themselves, which no noise on changes covers",
    "fedlora": "merges pairs of single clients, and noise is priced for a mean",
    "scaffold": "weighs control variates by samples, and under privacy every client counts alike",
}
_ONE_SIGMA_RANGE = 6.0
_PLAIN = {"codec": "fp32", "weight": "samples", "aggregator": "mean"}
"""What of a module goes with everything."""

Settings = Mapping[str, Any]


def unfit_protection(study: Settings) -> list[Issue]:
    """Return one issue for each combination of a study that cannot work."""
    if not study["federation"] or not study["selection"]:
        return []
    checks = (
        *(_sight, _travelling, _exceptions, _masked_sums, _privacy, _noise, _lies),
        *(_rule, _rule_under_masks),
    )
    return [issue for check in checks for issue in check(study)]


def _sight(study: Settings) -> Iterator[Issue]:
    """What the server decides with, it must be allowed to see."""
    weights = study["selection"]
    if _masked(study) and weights["redundancy"]:
        yield Issue(
            "selection.redundancy",
            "compares single changes, and under masks the server sees sums alone; set it to 0: "
            "losses, staleness, samples and latency still count",
        )
    algorithm = study["federation"]["algorithm"]
    if _masked(study) and _weighs_by_likeness(study):
        yield Issue(
            "federation.similarity",
            "completion compares the model of each client, and under masks the server sees sums "
            'alone; set similarity = "off", or take channel sealed',
        )
    if _masked(study) and algorithm in _SINGLE_UPDATES:
        yield Issue(
            "federation.algorithm",
            f"{algorithm} {_SINGLE_UPDATES[algorithm]}, and under masks the server sees sums "
            "alone; take fedavg or fedprox",
        )
    for name in ("loss", "redundancy"):
        if _private(study) and weights[name]:
            yield Issue(
                f"selection.{name}",
                "lets clients' data decide who takes part, which no noise covers; set it to 0: "
                "staleness, samples and latency are public",
            )


def _travelling(study: Settings) -> Iterator[Issue]:
    """How modules are weighed, withheld and coded must fit what is made of them."""
    given = {"codec": "fp32", "exchange": "full", "min_holders": 1, "lora_ranks": ()}
    federation = given | study["federation"]
    algorithm, least = federation["algorithm"], federation["min_holders"]
    coded, experts = federation["codec"] != "fp32", federation["exchange"] == "experts"
    refused = (
        (coded and _masked(study), "codec", "codes single changes, and what is masked is a number "
         "on a grid; set it to fp32 and choose channel.levels"),
        (coded and _private(study), "codec", "adds what it dropped before to a change that was "
         "clipped, which no noise covers; set it to fp32"),
        (coded and algorithm in ("fedlora", "scaffold"), "codec", "gives back later what it "
         f"dropped, when {algorithm} has begun anew; set it to fp32"),
        (experts and _masked(study), "exchange", "weighs every module of a client by itself, and "
         "a masked sum weighs clients as a whole; take full"),
        (experts and _private(study), "exchange", "weighs by tokens, and under privacy every "
         "client counts alike; take full"),
        (experts and algorithm == "scaffold", "exchange", "weighs by tokens, and controls move "
         "by shares of samples; take full"),
        (least > 1 and _masked(study), "min_holders", "masked sums have a limit of their own; "
         "set it to 1 and choose channel.smallest"),
        (least > 1 and algorithm == "scaffold", "min_holders", "clients would move controls of "
         "modules that nobody sent; set it to 1"),
        (least > federation["clients_per_round"], "min_holders", "is above clients_per_round, so "
         "that nothing would ever be sent; lower it"),
    )  # fmt: skip
    for wrong, key, why in refused:
        if wrong:
            yield Issue(f"federation.{key}", f"{federation[key]} {why}")
    ranks = set(federation["lora_ranks"])
    if len(ranks) > 1 and study["adversary"].get("attack", "none") != "none":
        yield Issue(
            "federation.lora_ranks",
            "attackers imitate the changes of others, which have other shapes here; take one rank",
        )


def _exceptions(study: Settings) -> Iterator[Issue]:
    """What single modules have of their own must fit what is made of all of them."""
    algorithm = study["federation"]["algorithm"]
    averages = algorithm in (*_AVERAGING, *_AVERAGING_TOO)
    for pattern, change in study["federation"].get("modules", {}).items():
        wanted = _PLAIN | change
        sums = _masked(study) or _private(study)
        refused = {
            "codec": (sums or algorithm in ("fedlora", "scaffold"), "codes single changes and "
                      "gives back later what it dropped, which masked sums, privacy, fedlora and "
                      "scaffold cannot bear; take fp32"),
            "weight": (sums or algorithm == "scaffold", "weighs a module by itself, and masked "
                       "sums, privacy and scaffold weigh clients as a whole; take samples"),
            "aggregator": (sums or not averages or _rule_name(study) != "none", "compares single "
                           "changes in place of a mean, which needs an algorithm that averages, "
                           "without masks, privacy and [defence]; take mean"),
        }  # fmt: skip
        for option, (wrong, why) in refused.items():
            if wrong and wanted[option] != _PLAIN[option]:
                yield Issue(f"federation.modules.{pattern}.{option}", f"{wanted[option]} {why}")


def _masked_sums(study: Settings) -> Iterator[Issue]:
    channel, chosen = study["channel"], study["federation"]["clients_per_round"]
    if _masked(study) and chosen < channel["cohorts"] * channel["smallest"]:
        yield Issue(
            "channel.cohorts",
            f"{chosen} clients a round in {channel['cohorts']} cohorts leave fewer than "
            f"{channel['smallest']} for a sum; take fewer cohorts or more clients",
        )


def _privacy(study: Settings) -> Iterator[Issue]:
    privacy, rule = study["privacy"], _rule_name(study)
    if not _private(study):
        return
    algorithm = study["federation"]["algorithm"]
    if algorithm in _NOT_PRIVATE:
        yield Issue(
            "federation.algorithm",
            f"{algorithm} {_NOT_PRIVATE[algorithm]}; take {' or '.join(_AVERAGING)}",
        )
    if privacy["mechanism"] == "distributed" and not _masked(study):
        yield Issue(
            "privacy.mechanism",
            "one client's share of noise does not hide it, only a masked sum is private; take "
            "channel masked, or mechanism local",
        )
    if privacy["mechanism"] == "central" and _weighs_by_likeness(study):
        yield Issue(
            "federation.similarity",
            "central noise is priced for a mean of which every client is one part alike, and "
            'completion weighs clients by their models; set similarity = "off", or take mechanism '
            "local, whose changes may be compared",
        )
    if privacy["mechanism"] == "central" and rule != "none":
        yield Issue(
            "defence.rule",
            f"central noise is priced for a mean, {rule} is none; take rule none, or mechanism "
            "local, whose changes any rule may compare",
        )
    if privacy.get("quantile") and _masked(study):
        yield Issue(
            "privacy.quantile",
            "an adaptive clip counts the clients below it, and masked sums carry no such count; "
            "set it to 0 and choose clip",
        )


def _noise(study: Settings) -> Iterator[Issue]:
    """Noise has to fit into the sums that carry it."""
    privacy, channel = study["privacy"], study["channel"]
    if not _private(study) or not _masked(study):
        return
    if privacy["mechanism"] == "distributed" and channel["neighbours"]:
        yield Issue(
            "channel.neighbours",
            "shares of noise are sized for the fewest survivors of a whole sum, which a sparse "
            "graph does not guarantee; set it to 0",
        )
    reach = privacy["clip"] * (1 + _ONE_SIGMA_RANGE * privacy["noise_multiplier"])
    if privacy["mechanism"] == "local" and channel["largest_change"] < reach:
        yield Issue(
            "channel.largest_change",
            f"local noise reaches {reach:g}, what is masked is cut at "
            f"{channel['largest_change']:g}; raise it",
        )


def _lies(study: Settings) -> Iterator[Issue]:
    """Changes can be turned and scaled, samples cannot."""
    attack, algorithm = study["adversary"].get("attack", "none"), study["federation"]["algorithm"]
    if attack != "none" and algorithm == "centralised":
        yield Issue(
            "adversary.attack",
            f"{attack} changes what clients send, and centralised sends samples; take "
            f"{' or '.join(_AVERAGING)}",
        )


def _rule(study: Settings) -> Iterator[Issue]:
    rule, federation = _rule_name(study), study["federation"]
    if rule == "none":
        return
    if federation["algorithm"] not in (*_AVERAGING, *_AVERAGING_TOO):
        yield Issue(
            "defence.rule",
            f"{rule} takes the place of the server's mean, and {federation['algorithm']} makes "
            f"another step of it; take {' or '.join(_AVERAGING)}",
        )
    least = build_row("defence", study["defence"]).least()
    if not _masked(study) and federation["clients_per_round"] < least:
        yield Issue(
            "defence.corrupted",
            f"{rule} against {study['defence']['corrupted']} corrupted clients needs {least} "
            f"changes, a round has {federation['clients_per_round']}; choose more clients",
        )


def _rule_under_masks(study: Settings) -> Iterator[Issue]:
    rule, channel = _rule_name(study), study["channel"]
    if rule == "none" or not _masked(study):
        return
    cohorts, corrupted = channel["cohorts"], study["defence"].get("corrupted", 0)
    try:
        check_visible(rule, masked=True, cohorts=cohorts, corrupted=corrupted)
    except ConfigError as error:
        yield Issue("defence.rule", str(error))


def _weighs_by_likeness(study: Settings) -> bool:
    federation = study["federation"]
    return federation["algorithm"] == "completion" and federation["similarity"] != "off"


def _masked(study: Settings) -> bool:
    return bool(study["channel"].get("name") == "masked")


def _private(study: Settings) -> bool:
    return study["privacy"].get("mechanism", "none") != "none"


def _rule_name(study: Settings) -> str:
    return str(study["defence"].get("rule", "none"))
