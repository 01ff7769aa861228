"""Rows compare the same federations, and say who wins."""

from qfl.core.rng import Streams
from qfl.federation.attacks.campaigns import CAMPAIGNS, DEFENCES, poisoning_rows
from qfl.federation.attacks.poisoned import Defence
from qfl.security.attacks.poisoning import UPDATE_ATTACKS
from qfl.security.robust import RULES

BY_TITLE = {campaign.title: campaign for campaign in CAMPAIGNS}


def rows(*titles, rules):
    return poisoning_rows(
        Streams(0),
        federations=3,
        campaigns=[BY_TITLE[title] for title in titles],
        defences=[Defence(rule=rule) for rule in rules],
    )


def test_every_attack_and_every_rule_has_its_turn():
    attacks = {campaign.poison.attack for campaign in CAMPAIGNS}
    assert attacks == {"label_flip", "backdoor", *UPDATE_ATTACKS} - {"boost"}
    for size in (1, 2):
        assert {d.rule for d in DEFENCES if d.cohort_size == size} == set(RULES) - {"mean"}


def test_a_rule_stops_one_attack_and_backfires_on_another():
    loud, quiet = rows("sign flip x8, 3 of 20", "IPM, epsilon 0.5, 8 of 20", rules=["multi_krum"])
    assert (loud.verdict, quiet.verdict) == ("stopped", "backfires")
    assert loud.without.value > 0.5 > quiet.without.value
    assert loud.without.trials == 3
    assert "the rule alone costs" in loud.remark


def test_a_backdoor_has_a_row_for_its_trigger_and_one_for_the_main_task():
    trigger, main = rows("backdoor x5, 4 of 20", rules=["fltrust"])
    assert trigger.measure.startswith("triggered")
    assert trigger.without.value > 0.9
    assert trigger.verdict == "stopped"
    assert trigger.without.high <= 1
    assert main.measure.startswith("accuracy")
    assert main.without.value < 0.1


def test_refused_rules_have_no_row():
    assert rows("ALIE, 8 of 20", rules=["bulyan"]) == ()
