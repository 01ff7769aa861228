"""SCAFFOLD: the optimum where FedAvg stalls, twice the bytes, controls that add up."""

import dataclasses
import math

import pytest
import torch
from small import copied, federation, quadratic, same

from qfl.core.errors import ConfigError
from qfl.federation.engine import LocalTraining
from qfl.federation.fedavg import FedAvg
from qfl.federation.scaffold import Controls, Scaffold
from qfl.models.heads import sample_losses
from qfl.security.masked import Masked

FAR = LocalTraining(epochs=10, batch_size=1000, learning_rate=0.05, clip_norm=math.inf)
"""Ten full-batch steps per round: clients drift far."""
HEAD = {"exchange": "head", "rounds": 80}


def pooled_loss(played):
    """Mean squared error over all clients' training samples: what everybody should minimise."""
    state, total, count = played.state, 0.0, 0
    for who in played.participants:
        out = played.model.predict(state, who.train.inputs)["y"]
        total += float(
            sample_losses(who.client.tasks[0], out, who.train.targets["y"]).double().sum()
        )
        count += len(who.train)
    return total / count


def optimum(played):
    """The least pooled loss over heads, by least squares on the features that the head reads."""
    features, targets = [], []

    def note(module, inputs, output):
        features.append(inputs[0].double())

    head = next(m for name, m in played.model.modules_by_id.items() if name.startswith("head"))
    hook = head.register_forward_hook(note)
    for who in played.participants:
        played.model.predict(played.state, who.train.inputs)
        targets.append(who.train.targets["y"].double())
    hook.remove()
    x, y = torch.cat(features), torch.cat(targets)
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    rest = y - x @ torch.linalg.lstsq(x, y).solution
    return float(rest.square().mean())


def gap(algorithm, **options):
    played = federation(algorithm, population=quadratic(), training=FAR, **(HEAD | options))
    list(played.play())
    return pooled_loss(played) / optimum(played) - 1


def test_quadratic_clients_reach_the_optimum_where_fedavg_stalls():
    assert gap(FedAvg()) > 0.01
    assert gap(Scaffold()) < 1e-4


def test_without_the_correction_it_stalls_like_fedavg(monkeypatch):
    """The mutation: controls travel and are not used."""
    monkeypatch.setattr(Controls, "local_objective", lambda self, step: None)
    assert gap(Scaffold()) == pytest.approx(gap(FedAvg()), rel=1e-3)


def test_the_payload_doubles_both_ways_and_the_record_says_so():
    def tensors(algorithm):
        played = federation(algorithm, rounds=1, model_width=32)
        record = list(played.play())[1]
        sizes = {"server": 0, "clients": 0}
        for header, update in played.policies.channel.passed:
            side = "server" if header.sender == "server" else "clients"
            sizes[side] += sum(t.nbytes for ts in update.modules.values() for t in ts.values())
        return sizes, record.costs

    plain, costs = tensors(FedAvg())
    double, twice = tensors(Scaffold())
    assert double == {side: 2 * size for side, size in plain.items()}
    for name in ("payload_bytes_up", "payload_bytes_down"):
        assert getattr(twice, name) / getattr(costs, name) == pytest.approx(2, abs=0.05)


def apart(played):
    """How far the server's controls are from the weighted mean of the clients', module by module;
    and how large they are."""
    learning, far = played.learning, {}
    for module, tensors in learning._control.items():
        holders = [who for who in played.participants if module in who.model.module_ids]
        shares = torch.tensor([len(who.train) for who in holders], dtype=torch.float64)
        shares = shares / shares.sum()
        gaps = []
        for name, control in tensors.items():
            own = torch.stack([learning._of(who)[module][name].double() for who in holders])
            gaps.append(float((torch.tensordot(shares, own, 1) - control).abs().max()))
        far[module] = (max(gaps), max(float(c.abs().max()) for c in tensors.values()))
    return far


def test_the_servers_control_is_the_weighted_mean_of_the_clients():
    played = federation(Scaffold(), population=quadratic(), training=FAR, exchange="head", rounds=3)
    list(played.play())
    for gap_, size in apart(played).values():
        assert gap_ < 1e-6 < size


def test_controls_stay_in_step_when_some_masked_sums_are_given_up():
    """Clients of several sums of which one is opened and another is not: each side moves what was
    counted and nothing else. What is left is the rounding of the grid."""
    masked = Masked(smallest=3, threshold=0.9, dropout=0.15, largest_change=16.0, levels=1 << 20)
    played = federation(Scaffold(), channel=masked, rounds=6, clients_per_round=7)
    records = list(played.play())
    given_up = [bool(event.given_up) for record in records for event in record.sums]
    assert any(given_up)
    assert not all(given_up)
    step = 2 * masked.largest_change / masked.levels
    far = apart(played)
    assert any(size > 0.01 for _, size in far.values())
    for gap_, _ in far.values():
        assert gap_ <= len(records) * step


def test_controls_that_masked_sums_cut_are_counted_and_are_what_parts_the_two_sides():
    """The server adds what fits on the grid, the client keeps all of it: without a cut number they
    stay together to the rounding, with some they part, and the record says how many."""
    found = {}
    for largest in (16.0, 0.02):
        masked = Masked(smallest=3, largest_change=largest, levels=1 << 20)
        played = federation(Scaffold(), channel=masked, rounds=2, clients_per_round=9)
        events = [event for record in played.play() for event in record.sums]
        step, worst = 2 * largest / masked.levels, max(gap_ for gap_, _ in apart(played).values())
        found[largest] = (sum(event.cut_beside for event in events), worst > 2 * step)
        assert all(event.cut_beside <= event.cut for event in events)
    assert found[16.0] == (0, False)
    assert found[0.02][0] > 100
    assert found[0.02][1]


def test_a_clients_control_is_its_gradient():
    """After one full-batch step from zero controls: (x - y) / (K lr) = the gradient there."""
    once = dataclasses.replace(FAR, epochs=1)
    played = federation(
        Scaffold(), population=quadratic(), training=once, exchange="head", rounds=1
    )
    start = {m: dict(ts) for m, ts in played.state.items()}
    list(played.play())
    who = played.participants[0]
    [module] = [m for m in who.model.module_ids if m.startswith("head")]
    weights = {n: t.clone().requires_grad_() for n, t in start[module].items()}
    out = torch.func.functional_call(
        who.model, who.model.flatten({**start, module: weights}), (who.train.inputs,)
    )
    loss = sample_losses(who.client.tasks[0], out["y"], who.train.targets["y"]).mean()
    gradients = torch.autograd.grad(loss, list(weights.values()))
    for name, gradient in zip(weights, gradients, strict=True):
        assert torch.allclose(played.learning._own[0][module][name], gradient, atol=1e-5)


def test_an_answer_that_is_lost_leaves_the_controls_in_step():
    """The client whose upload failed goes on with the control that the server has counted."""
    played = federation(Scaffold(), population=quadratic(), training=FAR, exchange="head")
    learning, who = played.learning, played.participants[0]
    offered = {m: played.state[m] for m in learning._samples}
    received = learning.pack(who, offered)
    trained = dataclasses.make_dataclass("Trained", ["state", "steps"])(
        {m: {n: t + 1 for n, t in ts.items()} for m, ts in offered.items()}, 10
    )
    learning.answer(who, received, trained)
    learning.delivered({})
    assert all((t == 0).all() for t in learning.carried(who, received).values())
    learning.answer(who, received, trained)
    learning.delivered({0: set(offered)})
    assert any((t != 0).any() for t in learning.carried(who, received).values())


def test_a_server_rate_takes_part_of_the_way():
    half = federation(Scaffold(server_rate=0.5), rounds=1)
    whole = federation(Scaffold(), rounds=1)
    before = copied(half.state)
    list(half.play()), list(whole.play())
    for module, tensors in whole.state.items():
        for name, end in tensors.items():
            middle = before[module][name] + 0.5 * (end - before[module][name])
            assert torch.allclose(half.state[module][name], middle, atol=1e-6)


def test_other_optimisers_and_bad_rates_are_refused():
    with pytest.raises(ConfigError, match="server_rate > 0"):
        Scaffold(server_rate=0.0)
    with pytest.raises(ConfigError, match='optimiser is adamw; set optimiser = "sgd"'):
        federation(Scaffold(), training=LocalTraining(optimiser="adamw"))


def test_it_repeats_bit_for_bit():
    first, second = (federation(Scaffold(), clients_per_round=4, rounds=3) for _ in range(2))
    list(first.play()), list(second.play())
    assert same(first.state, second.state)
