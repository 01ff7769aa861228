"""The rows about poisoning: every attack against every rule that can bear it.

Without a defence the server takes the mean. An attack is measured by the accuracy that it costs
under the same rule, a backdoor also by how often its trigger works. Rules that cannot see what
they compare, or cannot bear so many attackers, have no row: they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.digits import Digits
from qfl.federation.attacks.poisoned import Damage, Defence, Poison, PoisonedFederation, Setting
from qfl.security.attacks.outcome import AttackRow, Outcome
from qfl.security.robust import RULES

_NONE = Poison()
_MEAN = Defence()
DEFENCES = (
    *(Defence(rule=rule) for rule in RULES if rule != "mean"),
    *(Defence(rule=rule, cohort_size=2) for rule in RULES if rule != "mean"),
)
"""Every rule over single updates, and over the means of masked cohorts of two.

Two is the least, and for the table only: who knows his own update knows his partner's from the
sum. Larger cohorts need more clients, as every corrupted one spoils a whole cohort.
"""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A poisoning attack and how many of twenty clients take part in it."""

    name: str
    poison: Poison
    corrupted: int = 4

    @property
    def title(self) -> str:
        """The name with the number of attackers.

        >>> Campaign("ALIE", Poison(attack="alie")).title
        'ALIE, 4 of 20'
        """
        return f"{self.name}, {self.corrupted} of {Setting().clients}"


CAMPAIGNS = (
    Campaign("sign flip x8", Poison(attack="sign_flip", scale=8.0), corrupted=3),
    Campaign("IPM, epsilon 8", Poison(attack="ipm", scale=8.0)),
    Campaign("label flip x5", Poison(attack="label_flip", scale=5.0)),
    Campaign("backdoor", Poison(attack="backdoor")),
    Campaign("backdoor x5", Poison(attack="backdoor", scale=5.0)),
    Campaign("label flip", Poison(attack="label_flip"), corrupted=8),
    Campaign("IPM, epsilon 0.5", Poison(attack="ipm", scale=0.5), corrupted=8),
    Campaign("ALIE", Poison(attack="alie"), corrupted=8),
)
"""Loud attacks by few, then quiet ones by many, whose updates stay inside the honest spread."""


def poisoning_rows(
    streams: Streams,
    *,
    federations: int = 5,
    campaigns: Sequence[Campaign] = CAMPAIGNS,
    defences: Sequence[Defence] = DEFENCES,
) -> tuple[AttackRow, ...]:
    """Return a row per campaign and defence that can bear it; backdoors have two.

    Args:
        streams: federation k draws from ("attack/poisoning", k), the same for all rows.
        federations: over which means and intervals are taken.
        campaigns: attacks.
        defences: rules.
    """
    samples = Digits().load().samples
    images, labels = samples.inputs["image"], samples.targets["digit"]
    rows: list[AttackRow] = []
    for corrupted in dict.fromkeys(campaign.corrupted for campaign in campaigns):
        setting = Setting(corrupted=corrupted)
        bench = _Bench(
            [
                PoisonedFederation(
                    images, labels, setting=setting, rng=streams("attack/poisoning", k)
                )
                for k in range(federations)
            ]
        )
        for campaign in campaigns:
            if campaign.corrupted == corrupted:
                rows += [row for defence in defences for row in bench.rows(campaign, defence)]
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Bench:
    """Federations of one size, and what the mean has cost them so far."""

    federations: Sequence[PoisonedFederation]
    known: dict[tuple[Poison, Defence], list[Damage]] = field(default_factory=dict)

    def rows(self, campaign: Campaign, defence: Defence) -> list[AttackRow]:
        """Return the rows of one attack against one defence; none if it is refused."""
        try:
            defended = self._damage(campaign.poison, defence)
        except ConfigError:
            return []
        without = self._damage(campaign.poison, _MEAN)
        mean, rule = self._damage(_NONE, _MEAN), self._damage(_NONE, defence)
        over = f"{defence.rule} over masked cohorts of {defence.cohort_size}"
        row = AttackRow(
            attack=campaign.title,
            defence=defence.rule if defence.cohort_size == 1 else over,
            measure="accuracy lost to the attack",
            blind=0.0,
            without=_lost(mean, without),
            defended=_lost(rule, defended),
            remark=f"the rule alone costs {_lost(mean, rule).value:.3f}",
        )
        if campaign.poison.attack != "backdoor":
            return [row]
        trigger = replace(
            row,
            measure="triggered samples taken for the target",
            blind=_fooled(mean).value,
            without=_fooled(without),
            defended=_fooled(defended),
        )
        return [trigger, row]

    def _damage(self, poison: Poison, defence: Defence) -> list[Damage]:
        key = (poison, defence)
        if key not in self.known:
            self.known[key] = [each.run(poison, defence) for each in self.federations]
        return self.known[key]


def _lost(before: list[Damage], after: list[Damage]) -> Outcome:
    pairs = zip(before, after, strict=True)
    return Outcome.of_values([one.accuracy - other.accuracy for one, other in pairs])


def _fooled(damage: list[Damage]) -> Outcome:
    return Outcome.of_values([each.backdoor for each in damage], least=0.0, most=1.0)
