"""The schema of a study file: one alternative per row, with the options of that row alone."""

import re
import tomllib
from pathlib import Path

import pytest

from qfl.study.schema import study_schema

STUDIES = Path(__file__).parents[2] / "studies"


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


def parts(node):
    """Yield every table of a schema."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node:
        if isinstance(inner, dict | list):
            yield from parts(inner)


def test_no_key_is_required_twice_and_every_reference_leads_somewhere():
    schema = study_schema()
    required = [
        part["required"] for part in parts(schema) if isinstance(part.get("required"), list)
    ]
    references = [part["$ref"] for part in parts(schema) if isinstance(part.get("$ref"), str)]
    assert len(required) > 50
    assert all(len(set(keys)) == len(keys) for keys in required)
    assert {re.fullmatch("#/[$]defs/(.*)", name)[1] for name in references} <= set(schema["$defs"])


def test_it_is_a_schema_and_every_study_of_the_repository_fits_it():
    jsonschema = pytest.importorskip("jsonschema")
    schema = study_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    studies = [tomllib.loads(path.read_text()) for path in sorted(STUDIES.glob("*.toml"))]
    assert len(studies) > 20
    for study in studies:
        validator.validate(study)
        with pytest.raises(jsonschema.ValidationError, match="is not valid"):
            validator.validate({**study, "methods": [{"label": "a", "solver": "nobody"}]})
