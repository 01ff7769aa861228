"""Ditto: the common model is FedAvg's, the personal one lies between local and common."""

import pytest
import torch
from small import federation, same

from qfl.core.errors import ConfigError
from qfl.federation.ditto import Ditto
from qfl.federation.engine import LocalTraining
from qfl.federation.local import Local

TRAINING = LocalTraining(epochs=3, clip_norm=float("inf"), learning_rate=0.02)


def played(algorithm, **options):
    one = federation(algorithm, training=TRAINING, **options)
    return one, list(one.play())


def personal(one):
    return [
        {m: one.courier.own[who.index][m] for m in who.model.module_ids} for who in one.participants
    ]


def test_the_common_model_is_that_of_fedavg_bit_for_bit():
    assert same(played(Ditto())[0].state, played(None)[0].state)


def test_without_pull_it_is_local_training_bit_for_bit():
    alone, ditto = personal(played(Local())[0]), personal(played(Ditto(pull=0.0))[0])
    assert all(map(same, alone, ditto))
    pulled = personal(played(Ditto(pull=0.1))[0])
    assert not any(map(same, alone, pulled))


def distance(state, downloads):
    return max(
        float((tensor - downloads[m][n]).abs().max())
        for m, tensors in state.items()
        for n, tensor in tensors.items()
    )


def test_a_stronger_pull_ends_nearer_to_what_was_downloaded():
    gaps = []
    for pull in (0.0, 1.0, 20.0):
        one, _ = played(Ditto(pull=pull), rounds=1)
        down = {
            header.receiver: update.modules
            for header, update in one.policies.channel.passed
            if header.sender == "server"
        }
        own = personal(one)
        first = one.participants[0]
        arrived = {
            m: {n: torch.from_numpy(a.copy()) for n, a in ts.items()}
            for m, ts in down[first.client.name].items()
        }
        gaps.append(distance(own[0], arrived))
    assert gaps[0] > gaps[1] > gaps[2]


def test_clients_predict_with_their_own_model_and_pay_for_both_trainings():
    one, records = played(Ditto())
    _, others = played(None)
    assert records[-1].costs.training_operations == 2 * others[-1].costs.training_operations
    assert records[-1].costs.payload_bytes_up == others[-1].costs.payload_bytes_up
    assert records[-1].metrics["digit.accuracy"] == others[-1].metrics["digit.accuracy"]
    assert records[-1].client_metrics != others[-1].client_metrics
    who = one.participants[0]
    assert same(one.courier.personal(who, one.state), {**one.state, **one.courier.own[who.index]})


def test_a_negative_pull_is_refused():
    with pytest.raises(ConfigError, match="pull >= 0, got -1"):
        Ditto(pull=-1.0)
