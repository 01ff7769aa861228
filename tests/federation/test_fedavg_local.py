"""FedAvg with fine-tuning: nothing changes before the end, then everybody takes the model home."""

import pytest
import torch
from small import federation, same

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.fedavg_local import FedAvgLocal, lasting

TRAINING = LocalTraining(epochs=1, batch_size=16)


def played(algorithm, **options):
    one = federation(algorithm, training=TRAINING, clients_per_round=3, **options)
    return one, list(one.play())


def test_the_server_learns_what_fedavg_learns_and_the_end_comes_after_it():
    plain, expected = played(None)
    tuned, records = played(FedAvgLocal(tuning_steps=7))
    assert same(plain.state, tuned.state)
    assert [r.round for r in records] == [0, 1, 2]
    assert records[1].client_metrics == expected[1].client_metrics
    assert records[2].client_metrics != expected[2].client_metrics
    for name, value in expected[2].metrics.items():
        if "personal" not in name and "worst" not in name:
            assert records[2].metrics[name] == value


def test_everybody_fine_tunes_what_the_server_ended_with():
    tuned, _ = played(FedAvgLocal(tuning_steps=7))
    for who in tuned.participants[:3]:
        mine = tuned.courier.own[who.index]
        alone = train(
            who.model,
            {m: tuned.state[m] for m in who.model.module_ids},
            who.train,
            assignment=Assignment(
                tasks=who.client.tasks, training=lasting(TRAINING, 7, len(who.train))
            ),
            rng=Streams(11)("batches/personal", 3, who.number, 0),
        )
        for module, tensors in alone.state.items():
            for name, tensor in tensors.items():
                assert torch.allclose(tensor, mine[module][name], atol=1e-5)


def test_the_last_download_and_the_tuning_are_on_the_bill():
    _, expected = played(None)
    tuned, records = played(FedAvgLocal(tuning_steps=7))
    extra = [u for h, u in tuned.policies.channel.passed if h.round == 3]
    assert len(extra) == 9
    for who in tuned.participants:
        [update] = [
            u
            for h, u in tuned.policies.channel.passed
            if h.round == 3 and h.receiver == who.client.name
        ]
        assert set(update.modules) == set(who.model.module_ids)
        assert all(
            torch.equal(torch.from_numpy(a.copy()), tuned.state[m][n])
            for m, ts in update.modules.items()
            for n, a in ts.items()
        )
    more = records[2].costs.payload_bytes_down - expected[2].costs.payload_bytes_down
    assert sum(u.payload_bytes for u in extra) <= more <= sum(u.payload_bytes + 600 for u in extra)
    assert records[2].costs.payload_bytes_up == expected[2].costs.payload_bytes_up
    assert records[2].costs.training_operations > expected[2].costs.training_operations
    assert records[2].costs.virtual_seconds > expected[2].costs.virtual_seconds
    assert len(records[2].links) == 3 + 9


@pytest.mark.parametrize(("samples", "passes"), [(48, 2), (16, 4), (17, 2), (1000, 1)])
def test_passes_take_at_least_the_steps_asked_for(samples, passes):
    training = lasting(TRAINING, 4, samples)
    assert training.epochs == passes
    assert training.epochs * -(-samples // 16) >= 4


def test_no_steps_are_refused():
    with pytest.raises(ConfigError, match="tuning_steps >= 1, got 0"):
        FedAvgLocal(tuning_steps=0)
