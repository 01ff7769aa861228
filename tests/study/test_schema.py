"""The schema of a study file: one alternative per row, with the options of that row alone."""

from qfl.study.schema import study_schema


def rows(schema, section):
    options = schema["properties"][section]
    return {
        next(p["const"] for p in row["properties"].values() if "const" in p): row
        for row in options.get("items", options)["oneOf"]
    }


def test_a_row_has_its_own_options_and_the_shared_ones(toy_world):
    found = rows(study_schema(), "federation")
    assert found.keys() == {"average", "pull"}
    shared = {"algorithm", "rounds", "clients_per_round", "learning_rate", "epochs"}
    assert found["average"]["properties"].keys() == shared
    assert found["pull"]["properties"].keys() == shared | {"mu"}


def test_what_has_no_default_is_required_and_nothing_else_is_allowed(toy_world):
    circuit = rows(study_schema(), "methods")["circuit"]
    assert circuit["required"] == ["solver", "shots"]
    assert circuit["additionalProperties"] is False
    assert circuit["properties"]["mixer"]["enum"] == ["x", "xy"]


def test_seeds_are_a_number_a_range_or_a_list(toy_world):
    kinds = study_schema()["properties"]["seeds"]["anyOf"]
    assert [kind["type"] for kind in kinds] == ["integer", "string", "array"]
