"""More angles per layer only help, and nothing leaves the constraint that the mixer keeps."""

import numpy as np
import pytest
import torch

from circuits.qaoa import QaoaAnsatz, circuit
from qfl.core.constraints import Exactly, Unconstrained
from qfl.core.errors import CapacityError, ConfigError, UnknownNameError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems.graphs import MaxCut
from qfl.simulators.statevector import probabilities, run
from qfl.solvers import solve
from qfl.solvers.multi_angle import MIXERS, MultiAngle, _Circuit, separate
from qfl.testing.solvers import check_solver
from tests.solvers.conftest import closed_form, dense


def test_it_keeps_the_promises_of_the_port():
    check_solver(MultiAngle(shots=60, evaluations=10), [dense(Unconstrained(), 5)])
    ring = MultiAngle(shots=10, mixer="xy_ring", evaluations=10)
    check_solver(ring, [dense(Exactly(2), 5)])


def test_one_angle_per_term_beats_one_per_layer():
    problem = MaxCut(nodes=8, degree=3, weighted=True).draw(np.random.default_rng(0))
    shared = solve(
        problem, "qaoa", seed=0, shots=1, depth=1, mixer="x", backend="statevector"
    ).diagnostics["expectation"]
    own = solve(problem, "multi_angle", seed=0, shots=1).diagnostics
    assert own["expectation"] < shared - 0.05 * abs(shared)
    assert own["parameters"] == 12 + 8  # edges and qubits; MaxCut has no fields


def test_without_training_it_is_plain_transfer():
    problem = dense(Exactly(2), 6)
    options = {"depth": 2, "mixer": "xy_ring"}
    own = solve(problem, "multi_angle", seed=0, shots=1, evaluations=1, **options)
    plain = solve(problem, "qaoa", seed=0, shots=1, schedule="transfer", **options)
    assert own.diagnostics["expectation"] == pytest.approx(
        plain.diagnostics["expectation"], abs=1e-10
    )
    assert own.diagnostics["in_constraint_probability"] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("evaluations", [1, 5, 12])
def test_the_budget_is_kept(evaluations):
    decision = solve(
        dense(Unconstrained(), 4), "multi_angle", seed=0, shots=1, evaluations=evaluations
    )
    assert decision.bill.evaluations <= evaluations + 1


def test_too_many_qubits_are_refused_before_anything_is_allocated():
    with pytest.raises(CapacityError, match=r"over 44 qubits needs .* GiB free; try fewer qubits"):
        solve(closed_form(44, 2), "multi_angle", seed=0, shots=1)


def test_bad_options_are_refused():
    with pytest.raises(UnknownNameError, match="xy_parity_ring"):
        MultiAngle(shots=1, mixer="grover")
    with pytest.raises(ConfigError, match="evaluations"):
        MultiAngle(shots=1, evaluations=0)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("ones", [0, 2, 5])
def test_merged_phases_give_the_distribution_of_the_gates(mixer, ones):
    rng = np.random.default_rng(ones)
    blocks = () if mixer == "x" else ((tuple(range(5)), ones),)
    linear, quadratic = rng.normal(size=5), np.triu(rng.normal(size=(5, 5)), 1)
    spec, _ = separate(circuit(QaoaAnsatz(0.3, linear, quadratic, mixer, 2, blocks)))
    angles = torch.tensor(rng.normal(size=len(spec.parameters)))
    torch.testing.assert_close(
        _Circuit(spec).probabilities(angles), probabilities(run(spec, angles))
    )


def test_an_ansatz_without_a_rotation_has_nothing_to_train():
    problem = Problem("flat", Qubo(0.0, [0.0], np.zeros((1, 1))), Exactly(1), ("a",))
    found = solve(problem, "multi_angle", seed=0, shots=2, mixer="xy_ring")
    assert found.x.tolist() == [1]
    assert found.diagnostics["parameters"] == 0
