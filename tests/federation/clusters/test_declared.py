"""Clusters by what clients declare."""

import pytest
from small import DIGITS, federation, planted

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.federation.clusters.declared import Declared
from qfl.federation.engine import LocalTraining

CLUSTERED = {"head:*": {"placement": "cluster"}}


def scores(division, placement, seed):
    one = federation(
        population=planted(seed=seed),
        training=LocalTraining(epochs=3),
        modules={"head:*": {"placement": placement}},
        division=division,
        rounds=6,
        seed=seed,
    )
    return list(one.play())[-1].metrics["score@personal"]


@pytest.mark.parametrize("seed", range(6))
def test_the_planted_groups_gain_and_clusters_across_them_do_not(seed):
    """Two groups whose heads are each other's negatives learn only apart; the mutation is clusters
    that each hold half of both."""
    shared = scores(None, "global", seed)
    assert shared < 0.1
    assert scores(Declared("group"), "cluster", seed) > shared + 0.3
    assert scores(Declared("half"), "cluster", seed) < shared + 0.3


def test_what_clients_hold_is_declared_by_all():
    one = federation(population=DIGITS, modules=CLUSTERED, division=Declared("tasks"), rounds=1)
    found = one.copies.membership({}).members
    for p in one.participants:
        assert found[p.client.name] == "+".join(t.name for t in p.client.tasks)


def test_an_attribute_that_nobody_declares_is_refused():
    with pytest.raises(UnknownNameError, match=r"unknown attribute .* 'gruop'.*'group'"):
        federation(population=planted(), modules=CLUSTERED, division=Declared("gruop"))


def test_a_value_that_would_break_the_names_in_envelopes_is_refused():
    population = planted()
    population.clients[0].attributes["group"] = "a|b"
    with pytest.raises(ConfigError, match=r"'a\|b' cannot name a cluster"):
        federation(population=population, modules=CLUSTERED, division=Declared("group"))
