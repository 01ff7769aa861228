"""The table of our own angles can be made again, and does what it is for."""

import numpy as np
import pytest

from qfl.problems.selection import ClientSelection
from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from qfl.solvers.schedules.derive import client_selection_rows, tuning_instance
from qfl.solvers.schedules.tables import transfer_angles


@pytest.mark.golden
def test_the_first_rows_of_the_table_come_out_again():
    problems = [tuning_instance(seed) for seed in range(12)]
    rows = [
        *client_selection_rows("xy_complete", problems, deepest=3),
        *client_selection_rows("xy_parity_ring", problems, deepest=1),
    ]
    for row in rows:
        stored = transfer_angles(row["mixer"], row["depth"])
        np.testing.assert_allclose(row["gamma"], stored[0], atol=2e-4)
        np.testing.assert_allclose(row["beta"], -stored[1], atol=2e-4)


def test_untrained_transfer_is_close_to_training_on_other_sizes():
    """Twenty 13-client instances that the table has not seen, within 0.03 in mean ratio."""
    losses = []
    for seed in range(20):
        problem = ClientSelection(clients=13, choose=4).draw(np.random.default_rng(seed))
        found = spectrum(problem)
        means = [
            solve(problem, "qaoa", seed=0, shots=1, depth=3, schedule=name).diagnostics[
                "expectation"
            ]
            for name in ("transfer", "trained")
        ]
        losses.append((means[0] - means[1]) / (found.worst - found.optimum))
    assert 0 <= np.mean(losses) < 0.03
