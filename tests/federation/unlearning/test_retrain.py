"""The oracle and doing nothing: what each hands on, and what it costs."""

from small import MODALITIES, found, founder, population, same

from qfl.federation.population import regrouped
from qfl.federation.unlearning.requests import Request, erase
from qfl.federation.unlearning.retrain import Nothing, Retrain
from qfl.federation.unlearning.systems import spent

WHOLE = population(4, samples=240)
ERASURE = erase(WHOLE, Request(clients=("client-01",)))
FOUND = founder()


def test_retraining_is_the_federation_that_never_met_the_client():
    """From the same fresh weights, and every client that stays with its own streams."""
    system = Retrain().begin(FOUND, WHOLE)
    list(system.train(1, 2))
    after = Retrain().forget(system, ERASURE, found=FOUND, played=2)
    members = {place: client for place, client in enumerate(WHOLE.clients) if place != 1}
    scratch = found(regrouped(WHOLE, members), epochs=2)
    costs = spent(scratch.train(1, 2))
    assert same(after.system.state, scratch.state)
    assert after.costs.training_operations == costs.training_operations
    assert not same(after.system.state, system.state)


def test_nothing_costs_nothing_and_changes_nothing_but_who_takes_part():
    system = Nothing().begin(FOUND, WHOLE)
    list(system.train(1, 2))
    after = Nothing().forget(system, ERASURE, found=FOUND, played=2)
    assert same(after.system.state, system.state)
    assert after.costs.training_operations == 0
    assert "client-01" not in next(after.system.train(3, 3)).selected


def test_nothing_drops_what_a_modality_alone_owned():
    system = Nothing().begin(FOUND, WHOLE)
    list(system.train(1, 1))
    erasure = erase(WHOLE, Request(modality=MODALITIES[1]))
    after = Nothing().forget(system, erasure, found=FOUND, played=1).system
    assert set(system.state) - set(after.state) == {f"encoder:{MODALITIES[1]}:*"}
    assert same(after.state, {module: system.state[module] for module in after.state})
