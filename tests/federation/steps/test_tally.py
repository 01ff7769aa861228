"""The tally: costs add over visits, time does not, and who is left out is named with the reason."""

from dataclasses import replace
from time import perf_counter

import pytest
from small import federation

from qfl.core.decision import Bill
from qfl.core.gather import Gathered
from qfl.core.record import Costs
from qfl.federation.steps.tally import deciding, excluded, links, sizes, spent, timings
from qfl.federation.steps.turns import Turns
from qfl.federation.steps.visit import Visit

VISITS = [
    Visit("a", None, Costs(payload_bytes_up=10, energy_joules=1.5, virtual_seconds=4.0)),
    Visit("b", None, Costs(payload_bytes_up=3, key_bits_used=8, virtual_seconds=9.0)),
]


def test_costs_add_time_is_the_rounds_and_shared_keys_are_on_the_bill():
    home = Gathered((), {}, {}, key_bits_produced=100, key_bits_used=60, waiting_seconds=2.0)
    assert spent(VISITS, home, Turns(seconds=9.0)) == Costs(
        payload_bytes_up=13,
        energy_joules=1.5,
        key_bits_produced=100,
        key_bits_used=68,
        virtual_seconds=11.0,
    )


def test_who_did_nothing_wrong_is_not_named():
    lost = replace(VISITS[0], excluded="NaN in head:*:digit")
    assert excluded([lost, VISITS[1]]) == {"a": "NaN in head:*:digit"}
    assert links(VISITS) == ()


def test_seconds_of_everybody_add_up_beside_those_of_the_decision():
    started, bill = perf_counter() - 5.0, Bill(classical_seconds=1.0, qpu_seconds=2.0)
    visits = [replace(v, training_seconds=0.5, channel_seconds=0.25) for v in VISITS]
    found = timings(bill, visits, 0.125, started)
    assert (found.training_seconds, found.channel_seconds) == (1.0, 0.625)
    assert found.total_seconds >= 5.0
    alone = deciding(bill, started)
    assert (alone.classical_seconds, alone.quantum_seconds) == (1.0, 2.0)


@pytest.mark.parametrize(("exchange", "less"), [("full", False), ("lora", True)])
def test_sizes_count_the_tensors_that_travel(exchange, less):
    one = federation(model="tiny", exchange=exchange)
    found = sizes(one.model, one.exchange)
    assert found["all"] == sum(t.numel() for ts in one.state.values() for t in ts.values())
    assert (found["exchanged"] < found["all"]) == less
    assert found["quantum"] == 0
