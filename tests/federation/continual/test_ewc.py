"""Weights that are tied: importance, the pull's formula, and who pays for knowing."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import federation, found, population

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.continual.ewc import Ewc, Tie, fisher_information
from qfl.federation.continual.ways import Memento
from qfl.federation.round import Federation
from qfl.federation.training.losses import run
from qfl.models.m3t import submodel

WHOLE = population(3, samples=480)


def test_fisher_information_is_the_mean_squared_gradient():
    """Against gradients by hand, sample by sample."""
    who, state = found(WHOLE).participants[0], found(WHOLE).state
    information = fisher_information(who, state, 3)
    assert information.keys() == who.model.flatten(state).keys()
    expected = {name: torch.zeros_like(t) for name, t in information.items()}
    for row in range(3):
        leaves = {n: t.clone().requires_grad_() for n, t in who.model.flatten(state).items()}
        sample = who.train.take(torch.tensor([row]))
        run(who.model, leaves, sample, who.client.tasks, None).total.backward()
        for name, leaf in leaves.items():
            if leaf.grad is not None:
                expected[name] += leaf.grad**2 / 3
    for name, tensor in information.items():
        torch.testing.assert_close(tensor, expected[name])
    assert sum(float(tensor.sum()) for tensor in information.values()) > 0


def test_the_pull_is_half_its_strength_times_the_weighed_squared_way():
    """w - w_old = 3 and 1, F = 2 and 5: 10 / 2 * (2 * 9 + 5 * 1) = 115."""
    weights = {"w": torch.tensor([4.0, 0.0])}
    carried = {"anchor:w": torch.tensor([1.0, 1.0]), "fisher:w": torch.tensor([2.0, 5.0])}
    step = SimpleNamespace(parameters=weights, carried=carried)
    assert float(Tie(10.0, {}, {}).local_objective(step)) == pytest.approx(115.0)


def test_importance_adds_up_over_stages_and_a_stranger_has_none():
    system = found(WHOLE)
    way = Ewc(1.0, fisher_samples=4)
    once = way.remember(system, None, 0)
    twice = way.remember(system, once, 1)
    for number, own in once.algorithm.fisher.items():
        for name, tensor in own.items():
            torch.testing.assert_close(twice.algorithm.fisher[number][name], 2 * tensor)
    who = system.participants[1]
    stranger = Tie(1.0, once.algorithm.state, {0: once.algorithm.fisher[0]})
    carried = stranger.carried(who, {})
    assert all(not t.any() for name, t in carried.items() if name.startswith("fisher:"))
    anchors = who.model.flatten(submodel(system.state, who.model.module_ids))
    assert all(torch.equal(carried[f"anchor:{name}"], t) for name, t in anchors.items())


def test_a_module_that_a_client_no_longer_has_keeps_its_importance():
    system = found(WHOLE)
    before = {0: {"head:*:gone|weight": torch.ones(2)}}
    after = Ewc(1.0, 2).remember(system, Memento(algorithm=Tie(1.0, {}, before)), 1)
    assert torch.equal(after.algorithm.fisher[0]["head:*:gone|weight"], torch.ones(2))


def test_knowing_what_matters_is_on_the_bill():
    """A download and a forward and backward pass each; the wait is that of the slowest."""
    system = found(WHOLE)
    memento = Ewc(1.0, fisher_samples=4).remember(system, None, 0)
    operations = sum(who.model.training_operations(4) for who in system.participants)
    assert memento.costs.training_operations == pytest.approx(operations)
    assert memento.costs.payload_bytes_down > 3 * system.model.weight_bytes
    assert memento.costs.payload_bytes_up == 0
    assert memento.size_bytes == 3 * 2 * system.model.weight_bytes
    everybody = system.participants
    alone = [
        visit.costs.virtual_seconds
        for visit in system.courier.hand_out(everybody, system.state, round_index=9)
    ]
    assert max(alone) < memento.costs.virtual_seconds < sum(alone) + 1
    assert [link.client for link in memento.links] == [c.name for c in WHOLE.clients]


def test_a_client_whose_link_gives_no_key_is_not_tied_anew():
    class Deaf:
        """A channel whose key exchange with the second client aborts."""

        def __init__(self, inner):
            self.inner, self.level = inner, inner.level

        def exchange(self, client, **options):
            from dataclasses import replace

            event = self.inner.exchange(client, **options)
            return replace(event, aborted="test") if client == "client-01" else event

        def seal(self, update, header):
            return self.inner.seal(update, header)

        def open(self, envelope):
            return self.inner.open(envelope)

    system = federation(population=WHOLE, wrap=Deaf)
    assert isinstance(system, Federation)
    memento = Ewc(1.0, 2).remember(system, None, 0)
    assert set(memento.algorithm.fisher) == {0, 2}
    assert memento.costs.aborted_sessions == 1
    assert np.isfinite(memento.costs.energy_joules)
    assert Streams(1).seed == 1


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"pull -1\.0"):
        Ewc(-1.0)
    with pytest.raises(ConfigError, match="fisher_samples 0"):
        Ewc(1.0, 0)
