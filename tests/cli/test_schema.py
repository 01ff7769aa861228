"""`qfl schema`: the form of a study file."""

import json


def test_schema_offers_the_options_of_every_row(qfl):
    schema = json.loads(qfl("schema").out)
    solvers = schema["properties"]["methods"]["items"]["oneOf"]
    circuit = next(row for row in solvers if row["properties"]["solver"]["const"] == "circuit")
    assert circuit["required"] == ["solver", "shots"]
    assert circuit["properties"]["mixer"]["enum"] == ["x", "xy"]
    assert schema["additionalProperties"] is False
