"""`qfl schema`: the JSON schema of a study file."""

from __future__ import annotations

import json

from qfl.cli.app import app


@app.command()
def schema() -> None:
    """Print the JSON schema of a study file, for editors and checkers."""
    from qfl.study.schema import study_schema

    print(json.dumps(study_schema(), indent=2, sort_keys=True))
