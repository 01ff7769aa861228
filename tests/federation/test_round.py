"""The round as a whole: exact client counts, only held modules travel, and it fails closed."""

import dataclasses

import numpy as np
import pytest
import torch

from qfl.core.decision import Bill, Decision
from qfl.core.errors import KeyExhaustedError, ProblemError
from qfl.core.record import RoundRecord
from qfl.core.rng import Streams
from qfl.federation.fedavg import FedAvg
from qfl.federation.plan import Policies, Schedule
from qfl.federation.round import Federation
from qfl.problems import client_selection
from qfl.scenarios.digits import Digits
from qfl.security.attacks.interception import InterceptResend
from qfl.security.channel import Sealed
from qfl.solvers.exact import spectrum
from qfl.solvers.random_feasible import Random

POPULATION = Digits(clients=9).build(Streams(11))


class Watched:
    """A channel that notes every update that passes; it wraps the real sealed one."""

    def __init__(self, inner):
        self.inner, self.level, self.passed, self.sizes = inner, inner.level, [], []

    def exchange(self, client, **options):
        return self.inner.exchange(client, **options)

    def seal(self, update, header):
        envelope = self.inner.seal(update, header)
        self.passed.append((header, update))
        self.sizes.append((header, envelope.wire_bytes))
        return envelope

    def open(self, envelope):
        return self.inner.open(envelope)


class Empty(Watched):
    """A channel whose pools hold nothing for one client."""

    def seal(self, update, header):
        if "client-04" in (header.sender, header.receiver):
            raise KeyExhaustedError("no key bits are left; nothing was spent")
        return super().seal(update, header)


class OneWay(Watched):
    """A channel on which one client can receive but not answer."""

    def seal(self, update, header):
        if header.sender == "client-04":
            raise KeyExhaustedError("no key bits are left; nothing was spent")
        return super().seal(update, header)


def federation(
    *,
    rounds=2,
    choose=3,
    wrap=Watched,
    eavesdropped_round=0,
    solver=None,
    streams=None,
    model="pooled",
    exchange="full",
    algorithm=None,
    **schedule,
):
    config = Sealed()
    names = [client.name for client in POPULATION.clients]
    links = config.links(names, rng=np.random.default_rng(0))
    channel = wrap(config.connect(links, run="test"))
    return Federation(
        POPULATION,
        schedule=Schedule(
            rounds=rounds,
            clients_per_round=choose,
            model=model,
            model_width=8,
            exchange=exchange,
            eavesdropped_round=eavesdropped_round,
            **schedule,
        ),
        policies=Policies(
            propose=client_selection,
            solver=solver or Random(),
            measure=spectrum,
            channel=channel,
            gatherer=config.gatherer(channel, links, run="test"),
            algorithm=algorithm or FedAvg(),
            eavesdropper=InterceptResend(),
        ),
        streams=streams or Streams(11),
        run="test",
    )


def test_exactly_k_clients_are_selected_and_delivered_in_every_round():
    records = list(federation(rounds=4, choose=3).play())
    assert [record.round for record in records] == [0, 1, 2, 3, 4]
    for record in records[1:]:
        assert len(record.selected) == len(set(record.selected)) == 3
        assert record.delivered == record.selected


def test_a_client_only_receives_and_sends_modules_it_holds():
    played = federation(rounds=6, choose=4)
    list(played.play())
    held = {p.client.name: set(p.model.module_ids) for p in played.participants}
    passed = played.policies.channel.passed
    assert len(passed) == 6 * 4 * 2
    for header, update in passed:
        client = header.receiver if header.sender == "server" else header.sender
        assert set(update.modules) == held[client]


def test_a_download_equals_the_servers_modules_bit_for_bit():
    played = federation(rounds=1, choose=9)
    before = {m: {n: t.clone() for n, t in ts.items()} for m, ts in played.state.items()}
    list(played.play())
    for header, update in played.policies.channel.passed:
        if header.sender == "server":
            for module, tensors in update.modules.items():
                assert tensors.keys() == before[module].keys()
                for name, tensor in tensors.items():
                    assert torch.equal(torch.from_numpy(tensor), before[module][name])


def test_an_eavesdropped_client_sends_nothing_and_the_round_goes_on():
    played = federation(rounds=3, choose=3, eavesdropped_round=2)
    records = list(played.play())
    tapped = records[2].selected[0]
    assert records[2].delivered == records[2].selected[1:]
    assert records[2].costs.aborted_sessions == 1
    assert "QBER" in records[2].links[0].aborted
    assert records[2].links[0].client == tapped
    assert records[2].links[0].secret_bits == 0
    headers = [header for header, _ in played.policies.channel.passed if header.round == 2]
    assert tapped not in {end for header in headers for end in (header.sender, header.receiver)}
    assert all(record.costs.aborted_sessions == 0 for record in (records[1], records[3]))


def test_a_client_without_key_is_left_out_and_the_record_says_so():
    records = list(federation(rounds=1, choose=9, wrap=Empty).play())
    assert "client-04" not in records[1].delivered
    assert len(records[1].delivered) == 8
    [event] = [link for link in records[1].links if link.client == "client-04"]
    assert event.aborted.startswith("no key bits are left")


def test_if_nobody_delivers_the_model_stays_as_it_was():
    played = federation(rounds=1, choose=1, eavesdropped_round=1)
    before = {m: {n: t.clone() for n, t in ts.items()} for m, ts in played.state.items()}
    record = list(played.play())[1]
    assert record.delivered == ()
    for module, tensors in before.items():
        assert all(torch.equal(played.state[module][name], t) for name, t in tensors.items())


def test_the_choice_is_recorded_with_its_yardsticks():
    record = list(federation(rounds=1, choose=4).play())[1]
    assert record.choice is not None
    assert record.choice.optimum <= record.choice.energy <= record.choice.worst


def test_costs_add_over_clients_and_the_slowest_makes_the_round():
    played = federation(rounds=1, choose=5)
    record = list(played.play())[1]
    up = [len(u.payload) for h, u in played.policies.channel.passed if h.sender != "server"]
    down = [len(u.payload) for h, u in played.policies.channel.passed if h.sender == "server"]
    assert sum(up) < record.costs.payload_bytes_up < sum(up) + 5 * 600  # header, nonce and tag
    assert sum(down) < record.costs.payload_bytes_down < sum(down) + 5 * 600
    assert record.costs.payload_bytes_down != record.costs.payload_bytes_up
    assert record.costs.key_bits_used == 5 * 2 * 256
    for event in record.links:
        assert event.key_bits_left == event.secret_bits - 512


def test_a_round_lasts_as_long_as_its_slowest_client():
    """Recomputed here from devices, links and envelopes."""
    played = federation(rounds=1, choose=5)
    record = list(played.play())[1]
    sealed = {(h.sender, h.receiver): size for h, size in played.policies.channel.sizes}
    seconds = []
    for event in record.links:
        [part] = [p for p in played.participants if p.client.name == event.client]
        operations = 6 * len(part.train) * 2 * part.model.weight_bytes / 4
        seconds.append(
            event.duration_seconds
            + part.client.access.downlink_seconds(sealed["server", event.client])
            + operations / part.client.device.operations_per_second
            + part.client.access.uplink_seconds(sealed[event.client, "server"])
        )
    assert record.costs.virtual_seconds == pytest.approx(max(seconds))
    assert max(seconds) > 1.05 * min(seconds)


def test_key_that_runs_out_on_the_way_up_leaves_the_download_on_the_bill():
    played = federation(rounds=1, choose=9, wrap=OneWay)
    record = list(played.play())[1]
    assert "client-04" not in record.delivered
    assert record.costs.aborted_sessions == 0
    assert record.costs.key_bits_used == (9 + 8) * 256
    [event] = [link for link in record.links if link.client == "client-04"]
    assert event.key_bits_left == event.secret_bits - 256


def test_batches_and_shots_are_drawn_anew_in_every_round():
    """A stream without the round in its name would repeat the same draw for ever."""
    records = list(federation(rounds=6, choose=3).play())
    assert len({record.selected for record in records[1:]}) > 1
    asked = []

    class Noted(Streams):
        def __call__(self, name, *indices):
            asked.append((name, indices))
            return super().__call__(name, *indices)

    played = federation(rounds=2, choose=2, streams=Noted(11))
    list(played.play())
    for name, per_round in (("shots", 1), ("batches", 2), ("channel", 2)):
        draws = [indices for stream, indices in asked if stream == name]
        assert len(draws) == len(set(draws)) == 2 * per_round


def test_records_repeat_bit_for_bit_and_survive_json():
    def numbers(record):
        row = record.to_dict()
        del row["timings"]
        return row

    first, second = (list(federation(rounds=2).play()) for _ in range(2))
    assert [numbers(r) for r in first] == [numbers(r) for r in second]
    assert [RoundRecord.from_dict(r.to_dict()) for r in first] == first


def test_a_solver_that_returns_another_number_of_clients_is_caught():
    @dataclasses.dataclass(frozen=True)
    class Greedy:
        def solve(self, problem, *, rng):
            return Decision.of(problem, np.ones(problem.n), solver="all", bill=Bill())

    with pytest.raises(ProblemError, match="'all' chose 9 clients instead of 3"):
        list(federation(solver=Greedy()).play())


def test_choosing_more_clients_than_there_are_is_one_sentence():
    with pytest.raises(ProblemError, match=r"cannot choose 10 of 9 clients.*1\.\.9"):
        federation(choose=10)
