"""What docs/circuits.md tells a reader to type works, and its program means what it says."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "circuits.md").read_text()


def test_the_page_runs_from_top_to_bottom(capsys, oracle):
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    assert "two_qubit_gates" in capsys.readouterr().out
    state = np.abs(oracle.from_zero(names["bound"])) ** 2
    energies = names["problem"].qubo.energy(oracle.bits_of(6))
    assert float(names["value"]) == pytest.approx(state @ energies, abs=1e-10)
    assert names["program"].startswith("OPENQASM 3.0;")
    assert "\ngate" not in names["plain"]
    backwards = names["get_backend"]("subspace").compile(names["backwards"])
    assert abs(float(backwards.expectation(names["angles"])) - float(names["value"])) > 1e-6
