"""A record survives the way to disk and back."""

import json
from dataclasses import replace

from qfl.core.choice import Choice
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.problems import draw
from qfl.solvers import solve
from qfl.solvers.exact import spectrum

PROBLEM = draw("client_selection", seed=5, clients=7, choose=3)


def test_a_record_of_a_decision_measures_its_choice_and_survives_json():
    nobody = {"selected": (), "delivered": (), "metrics": {}, "client_metrics": {}, "links": ()}
    record = RoundRecord(
        round=1,
        choice=Choice.of(solve(PROBLEM, "greedy", seed=0), spectrum(PROBLEM)),
        costs=Costs(),
        level="",
        timings=Timings(),
        **nobody,
    )
    assert record.measured() == record.choice.figures()
    assert replace(record, metrics={"digit.accuracy": 0.5}).measured() == {"digit.accuracy": 0.5}
    assert RoundRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record
