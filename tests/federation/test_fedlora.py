"""Federations that merge LoRA pairs: what the round tells, sends and refuses."""

import numpy as np
import pytest
import torch
from test_round import federation

from qfl.core.errors import ConfigError, ModuleMismatchError, UnknownNameError
from qfl.core.update import Update
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedlora import FedLora
from qfl.federation.plan import Schedule

LORA = "lora:*:*:*:0"


def played(algorithm, *, exchange="lora", ranks=(), rounds=2, choose=9, **options):
    one = federation(
        rounds=rounds,
        choose=choose,
        model="tiny",
        exchange=exchange,
        lora_ranks=ranks,
        algorithm=algorithm,
        **options,
    )
    return one, list(one.play())


def updates(ranks, seed=0):
    rng = np.random.default_rng(seed)

    def factors(r):
        return {
            f"{matrix}_{side}.weight": rng.normal(size=shape).astype(np.float32)
            for matrix in ("query", "value")
            for side, shape in (("up", (32, r)), ("down", (r, 32)))
        }

    return [Update({LORA: factors(r)}, {LORA: 3 + r}) for r in ranks]


def states(rank):
    [update] = updates((rank,), seed=9)
    return {LORA: {name: torch.from_numpy(t) for name, t in update.modules[LORA].items()}}


def products(tensors, matrix="query"):
    up, down = (np.asarray(tensors[f"{matrix}_{side}.weight"], float) for side in ("up", "down"))
    return up @ down


def test_averaging_pairs_is_fedavg_and_tells_what_that_misses():
    learning, given = FedLora(lora_rule="average").start(None), updates((4, 4, 4))
    merged, plain = (a.aggregate(states(4), given)[LORA] for a in (learning, FedAvg()))
    assert all(torch.allclose(merged[name], plain[name], atol=1e-6) for name in plain)
    assert learning.tell()["lora_error"] > 0.5


def test_unequal_ranks_decompose_to_the_nearest_pair_of_the_largest_rank():
    learning, given = FedLora(lora_rule="decompose").start(None), updates((1, 4, 2))
    merged = learning.aggregate(states(4), given)[LORA]
    counts = [update.samples[LORA] for update in given]
    wanted = sum(n * products(u.modules[LORA]) for n, u in zip(counts, given, strict=True))
    wanted /= sum(counts)
    lost = np.linalg.svd(wanted, compute_uv=False)[4:]
    assert np.linalg.norm(wanted - products(merged)) == pytest.approx(
        np.linalg.norm(lost), rel=1e-4
    )


@pytest.mark.parametrize("rule", ["average", "partition", "decompose"])
def test_terms_that_nobody_sent_stay_as_they_were(rule):
    """Only clients of small rank were chosen."""
    before = states(8)
    merged = FedLora(lora_rule=rule).start(None).aggregate(before, updates((1, 4)))[LORA]
    for name, tensor in merged.items():
        assert tensor.shape == before[LORA][name].shape
        rest = (slice(None), slice(4, None)) if "_up" in name else (slice(4, None),)
        assert torch.equal(tensor[rest], before[LORA][name][rest])


def test_every_round_tells_its_error():
    _, records = played(FedLora())
    assert "lora_error" not in records[0].metrics
    assert all(0 <= record.metrics["lora_error"] < 0.5 for record in records[1:])


def test_clients_download_and_send_the_rank_they_have():
    one, _ = played(FedLora(), ranks=(1, 3), rounds=1)
    seen = set()
    for header, update in one.policies.channel.passed:
        client = header.sender if header.sender != "server" else header.receiver
        rank = (1, 3)[int(client.removeprefix("client-")) % 2]
        assert update.modules[LORA]["query_down.weight"].shape == (rank, 32)
        seen.add(rank)
    assert seen == {1, 3}
    assert one.state[LORA]["query_down.weight"].shape == (3, 32)


@pytest.mark.parametrize("exchange", ["lora", "ffa_lora"])
def test_clients_of_unequal_ranks_are_compared(exchange):
    one, _ = played(FedLora(), ranks=(1, 3), rounds=1, exchange=exchange)
    redundancy = one.observations.redundancy()
    assert redundancy.shape == (9, 9)
    assert np.isfinite(redundancy).all()
    assert redundancy.any()


def test_fixed_factors_never_move_nor_travel_and_their_mean_is_exact():
    one, records = played(FedLora(lora_rule="average"), exchange="ffa_lora")
    start = one.model.initial_state(one.streams)[LORA]
    for _, update in one.policies.channel.passed:
        assert sorted(update.modules[LORA]) == ["query_up.weight", "value_up.weight"]
    assert torch.equal(one.state[LORA]["query_down.weight"], start["query_down.weight"])
    assert not torch.equal(one.state[LORA]["query_up.weight"], start["query_up.weight"])
    whole = played(FedLora(lora_rule="average"))[1]
    assert records[1].costs.payload_bytes_up < whole[1].costs.payload_bytes_up
    assert records[-1].metrics["lora_error"] < 1e-6 < whole[-1].metrics["lora_error"]


def test_fixed_factors_are_exact_for_unequal_ranks_too():
    _, records = played(FedLora(), exchange="ffa_lora", ranks=(1, 3))
    assert all(record.metrics["lora_error"] < 1e-6 for record in records[1:])


def test_what_cannot_be_merged_is_refused():
    with pytest.raises(UnknownNameError, match="decompose"):
        FedLora(lora_rule="decomposed")
    with pytest.raises(ConfigError, match="pooled model has no lora_ranks"):
        Schedule(rounds=1, clients_per_round=1, lora_ranks=(1, 2))
    with pytest.raises(ModuleMismatchError, match="cannot be added"):
        played(FedAvg(), ranks=(1, 3), rounds=1)
    broken = updates((2,))
    broken[0].modules[LORA]["query_up.weight"][0, 0] = np.nan
    with pytest.raises(ModuleMismatchError, match="NaN"):
        FedLora().start(None).aggregate(states(2), broken)
