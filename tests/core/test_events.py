"""What channels report survives the way to disk and back, field by field."""

import json
from dataclasses import replace

from qfl.core.events import LinkEvent, PairKeys, PrivacyEvent, SumEvent
from qfl.core.record import Costs, RoundRecord, Timings

LINK = LinkEvent(
    "a", sifted_bits=90, secret_bits=40, qber=0.02, disclosed_bits=31, key_bits_left=12
)


def test_the_nodes_of_relays_are_tuples_whatever_they_came_as():
    assert replace(LINK, trusted=[["x", "y"], ["z"]]).trusted == (("x", "y"), ("z",))


def test_events_of_a_record_survive_json():
    record = RoundRecord(
        round=1,
        selected=("a",),
        delivered=("a",),
        metrics={},
        client_metrics={},
        choice=None,
        costs=Costs(),
        links=(replace(LINK, trusted=(("x",),)), replace(LINK, qber=None, aborted="qber")),
        level="sealed",
        timings=Timings(),
        sums=(SumEvent(("head:digit",), 0, 4, 3, 2, "pads", 10, 32, key_ratio=1.5),),
        pairs=PairKeys(links=6, bits_left=100, poorest_bits=3),
        privacy=PrivacyEvent("central", 1.0, 1e-5, "zero-out", "PLD", "none", 1.2, 0.8, 0.5, 7),
    )
    assert RoundRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record
