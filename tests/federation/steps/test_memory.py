"""What a server keeps: the rounds asked for, the changes of those who delivered, nothing else."""

import numpy as np
import pytest
from small import found, population, same

from qfl.core.errors import ConfigError
from qfl.federation.steps.memory import Memory

WHOLE = population(4)


def test_every_so_many_rounds_are_kept_and_their_mean_is_what_the_server_did():
    memory = Memory(interval=2)
    played = found(WHOLE, rounds=4, memory=memory)
    states = [played.state]
    for _ in played.train(1, 4):
        states.append(played.state)
    assert list(memory.rounds) == [1, 3]
    for round_index, kept in memory.rounds.items():
        assert same(kept.state, states[round_index - 1])
        assert set(kept.changes) == {client.name for client in WHOLE.clients}
        for module, tensors in states[round_index].items():
            for name, after in tensors.items():
                mean = np.mean([change[module][name] for change in kept.changes.values()], axis=0)
                moved = after.numpy() - kept.state[module][name].numpy()
                assert moved == pytest.approx(mean, abs=1e-6)


def test_its_size_is_that_of_states_and_changes():
    memory = Memory()
    played = found(WHOLE, memory=memory)
    list(played.train(1, 2))
    assert memory.size_bytes == 2 * (1 + 4) * played.model.weight_bytes


def test_an_interval_of_no_rounds_is_refused():
    with pytest.raises(ConfigError, match="at least 1 round, got 0"):
        Memory(interval=0)
