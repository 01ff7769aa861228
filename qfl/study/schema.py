"""The JSON schema of a study file, with the options of every installed row."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from qfl.core.registry import load
from qfl.study.model import Study
from qfl.study.options import SECTIONS, registry


def study_schema() -> dict[str, Any]:
    """Return the JSON schema of a study; a section offers one alternative per registry row."""
    schema = Study.model_json_schema()
    for section in SECTIONS:
        options, parts = _section_schema(section)
        schema.setdefault("$defs", {}).update(parts)
        if section == "methods":
            options = {"type": "array", "items": options, "minItems": 1}
        schema["properties"][section] = options
    schema["properties"]["sweep"] = {"type": "object"}  # dotted keys, or tables: one and the same
    seeds = schema["properties"]["seeds"]
    schema["properties"]["seeds"] = {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}, seeds]
    }
    return schema


def _section_schema(section: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the alternatives of a section, and what they refer to by name."""
    spec = SECTIONS[section]
    table = registry(section)
    rows: list[dict[str, Any]] = []
    named: dict[str, Any] = {}
    for name, row in sorted(table.table().items()):
        factories = [load(target) for target in spec.shared]
        if row.installed and spec.row_options:
            factories.append(table.resolve(name))
        parts = [TypeAdapter(factory).json_schema() for factory in factories]
        properties: dict[str, Any] = {
            key: {"type": "string" if key == "label" else "object"} for key in spec.reserved
        }
        for part in parts:
            named |= part.get("$defs", {})
            properties |= part.get("properties", {})
        properties[spec.key] = {"const": name, "description": row.summary}
        rows.append(
            {
                "type": "object",
                "properties": properties,
                "required": list(
                    dict.fromkeys(
                        [spec.key, *(key for part in parts for key in part.get("required", ()))]
                    )
                ),
                "additionalProperties": False,
            }
        )
    return {"oneOf": rows}, named
