"""Replay: old lengths, new directions, from before the first contribution; nothing kept of it."""

import numpy as np
import pytest
import torch
from small import MODALITIES, founder, population, same

from qfl.core.errors import ConfigError
from qfl.federation.steps.memory import Memory
from qfl.federation.unlearning import replay
from qfl.federation.unlearning.replay import Replay
from qfl.federation.unlearning.requests import Request, erase
from qfl.federation.unlearning.systems import spent
from tests.federation.unlearning.reach import reachable

WHOLE = population(5, samples=300)
FOUND = founder(choose=3)


def trained(options, rounds=4, found=FOUND):
    system = options.begin(found, WHOLE)
    return system, list(system.train(1, rounds))


def close(left, right, atol=1e-5):
    return all(
        torch.allclose(tensor, right[module][name], atol=atol)
        for module, tensors in left.items()
        for name, tensor in tensors.items()
    )


def never_chosen(records):
    [name, *_] = sorted({c.name for c in WHOLE.clients} - {n for r in records for n in r.selected})
    return name


def without(name):
    return erase(WHOLE, Request(clients=(name,)))


def test_a_client_that_never_took_part_is_forgotten_for_free():
    system, records = trained(Replay(), rounds=1)
    after = Replay().forget(system, without(never_chosen(records)), found=FOUND, played=1)
    assert same(after.system.state, system.state)
    assert after.costs.training_operations == 0


def test_with_all_effort_and_nothing_to_forget_the_replay_is_the_training(monkeypatch):
    """The same steps from the same weights give the old directions, and lengths are kept."""
    options = Replay(effort=1.0)
    system, records = trained(options, rounds=2)
    system.memory.met[never_chosen(records)] = 1  # as if it had been there, but with no update
    after = options.forget(system, without(never_chosen(records)), found=FOUND, played=2)
    assert close(after.system.state, system.state)
    monkeypatch.setattr(replay, "calibrated_update", lambda old, new: new / 2)
    system, records = trained(options, rounds=2)
    system.memory.met[never_chosen(records)] = 1
    mutant = options.forget(system, without(never_chosen(records)), found=FOUND, played=2)
    assert not close(mutant.system.state, system.state, atol=1e-3)


def test_what_is_aggregated_has_the_old_lengths():
    options = Replay()
    system, records = trained(options)
    name = records[1].selected[0]
    old = {r: kept.changes for r, kept in system.memory.rounds.items()}
    after = options.forget(system, without(name), found=FOUND, played=4).system
    first = min(r.round for r in records if name in r.selected)
    for round_index, kept in after.memory.rounds.items():
        assert set(kept.changes) == set(old[round_index]) - {name}
        for client, change in kept.changes.items():
            for module, tensors in change.items():
                lengths = [
                    np.sqrt(sum(float((t.astype(float) ** 2).sum()) for t in parts.values()))
                    for parts in (tensors, old[round_index][client][module])
                ]
                assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)
        if round_index < first:
            assert kept.changes == old[round_index]
    last = after.memory.rounds[4]
    for module, tensors in after.state.items():
        for key, tensor in tensors.items():
            sizes = [len(c.train) for c in WHOLE.clients if c.name in last.changes]
            mean = np.average([c[module][key] for c in last.changes.values()], 0, weights=sizes)
            moved = tensor.numpy() - last.state[module][key].numpy()
            assert moved == pytest.approx(mean, abs=1e-5)


def test_it_starts_at_the_last_state_kept_before_the_first_contribution():
    """The client first took part in round 2, of which nothing is kept: round 1 is replayed."""
    options = Replay(interval=2)
    system, records = trained(options, rounds=4)
    fresh = system.memory.rounds[1].state
    late = next(n for n in records[1].selected if n not in records[0].selected)
    assert system.memory.met[late] == 2
    after = options.forget(system, without(late), found=FOUND, played=4).system
    assert list(after.memory.rounds) == [1, 3]
    assert same(after.memory.rounds[1].state, fresh)
    assert not same(after.memory.rounds[3].state, system.memory.rounds[3].state)


def test_mutation_starting_after_the_first_contribution_keeps_it():
    """The contribution stays in the state: the replayed round 3 begins from it unchanged."""
    options = Replay(interval=2)
    system, records = trained(options, rounds=4)
    late = next(n for n in records[1].selected if n not in records[0].selected)
    system.memory.met[late] = 3
    after = options.forget(system, without(late), found=FOUND, played=4).system
    assert same(after.memory.rounds[3].state, system.memory.rounds[3].state)


def test_it_costs_what_its_effort_says():
    system, records = trained(Replay(effort=0.5))
    erasure = without(records[0].selected[0])
    cost = Replay(effort=0.5).forget(system, erasure, found=FOUND, played=4).costs
    visits = sum(len(set(r.selected) - set(erasure.left)) for r in records)
    whole = spent(records).training_operations
    assert cost.training_operations == pytest.approx(whole / 2 * visits / 12, rel=0.05)


def test_nothing_of_the_forgotten_is_kept():
    system, records = trained(Replay(), rounds=3)
    name = records[0].selected[0]
    ids = set(next(c for c in WHOLE.clients if c.name == name).train.ids.tolist())
    names, seen = reachable(system)
    assert name in names
    assert ids <= seen
    erasure = without(name)
    after = Replay().forget(system, erasure, found=FOUND, played=3).system
    names, seen = reachable(after)
    assert name not in names
    assert not ids & seen


def test_a_modality_is_replayed_without_its_encoder():
    system, _ = trained(Replay(), rounds=2)
    erasure = erase(WHOLE, Request(modality=MODALITIES[0]))
    after = Replay().forget(system, erasure, found=FOUND, played=2).system
    gone = f"encoder:{MODALITIES[0]}:*"
    assert gone not in after.state
    assert all(
        gone not in c for kept in after.memory.rounds.values() for c in kept.changes.values()
    )


def test_without_single_updates_there_is_nothing_to_replay():
    system, records = trained(Replay(), rounds=1)
    for memory in (None, Memory()):
        system.memory = memory
        with pytest.raises(ConfigError, match="one by one, and it saw none"):
            Replay().forget(system, without(records[0].selected[0]), found=FOUND, played=1)


def test_options_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="interval 0"):
        Replay(interval=0)
    with pytest.raises(ConfigError, match="effort 0"):
        Replay(effort=0)
