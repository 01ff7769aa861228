"""The conformance kit passes good backends and catches each kind of broken promise."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from circuits.qaoa import circuit
from qfl.backends import get_backend
from qfl.core.counts import Counts
from qfl.core.errors import BackendError
from qfl.core.ports import Capabilities
from qfl.testing.backends import check_backend

GOOD = ["subspace", "statevector"]


@pytest.mark.parametrize("name", GOOD)
def test_good_backends_pass(name):
    check_backend(get_backend(name))


def test_single_precision_passes_with_its_tolerance():
    check_backend(get_backend("subspace", precision="single"), tolerance=1e-5)


@dataclass(frozen=True)
class Liar:
    """The full-space backend with one method replaced, or deaf to some parts of an ansatz."""

    changes: dict
    capabilities: Capabilities = field(
        default=Capabilities("liar", exact=True, mixers=("x", "xy_ring"))
    )
    ignored: tuple[str, ...] = ()

    def compile(self, ansatz):
        ansatz = replace(ansatz, **dict.fromkeys(self.ignored))
        return Lies(get_backend("statevector").compile(ansatz), self.changes)


class Lies:
    def __init__(self, honest, changes):
        self.honest, self.changes = honest, changes

    def __getattr__(self, name):
        truth = getattr(self.honest, name)
        change = self.changes.get(name)
        return truth if change is None else lambda *args, **kw: change(truth, *args, **kw)


def reversed_variables(sample, angles, shots, rng):
    counts = sample(angles, shots, rng)
    return Counts.of(counts.states[:, ::-1], counts.shots)


def deaf(ask, angles, *args):
    """Answer as at the first angles of the kit, whatever is asked."""
    return ask(np.broadcast_to([[0.3, 0.5], [-0.4, -0.2]], np.shape(angles)), *args)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample": reversed_variables}, "states that the ansatz does not reach|chi-square"),
        (
            {"sample": lambda f, a, shots, rng: f(a, shots - 1, rng)},
            "asked for 4000 shots .* got 3999",
        ),
        (
            {"sample": lambda f, a, shots, rng: f(a, shots, np.random.default_rng())},
            "other samples",
        ),
        (
            {"sample": lambda f, a, shots, rng: f(a, shots, np.random.default_rng(0))},
            "another generator gave the same samples",
        ),
        ({"sample": deaf}, "chi-square"),
        ({"expectation": deaf}, "mean cost"),
        ({"sample": deaf, "expectation": deaf}, "chi-square|mean cost"),
        ({"sample": lambda f, a, shots, rng: f(2 * a, shots, rng)}, "chi-square"),
        ({"sample": lambda f, a, shots, rng: f(a * [[1], [-1]], shots, rng)}, "chi-square"),
        (
            {"sample": lambda f, a, shots, rng: f(a, max(shots, 1), rng)},
            "0 shots .* were not refused",
        ),
        ({"sample": lambda f, a, shots, rng: f(a, int(shots), rng)}, "1.5 shots .* not refused"),
        (
            {"sample": lambda f, a, shots, rng: f(a, len(range(shots)), rng)},
            "1.5 shots raise TypeError, not a BackendError",
        ),
        (
            {"sample": lambda f, a, shots, rng: f(a, min(shots, 4096), rng)},
            "asked for 20001 shots, got 4096",
        ),
        ({"sample": lambda f, a, shots, rng: {"01101": shots}}, "a sample is dict, not"),
        ({"expectation": lambda f, a: {"mean": f(a)}}, "means are dict, not"),
        ({"expectation": lambda f, a: f(a * [[1], [-1]])}, "mean cost"),
        ({"expectation": lambda f, a: f(a) + 1e-6}, "mean cost"),
        ({"expectation": lambda f, a: np.ravel(f(a))}, r"means of shape \(3,\)"),
        ({"expectation": lambda f, a: f(np.nan_to_num(a))}, "not refused"),
        ({"distribution": lambda f, a: f(1.01 * a)}, "a probability is off by"),
        ({"value_and_gradient": lambda f, a: (0.0, -f(a)[1])}, "gradient"),
    ],
)
def test_each_lie_is_caught(changes, message):
    with pytest.raises(AssertionError, match=message):
        check_backend(Liar(changes))


@pytest.mark.parametrize(
    ("ignored", "message"),
    [
        ("initial", "with a warm start in one state: "),
        ("bias", "mixer 'x': with a bias: samples miss"),
        ("order", "with pairs in another order: samples miss"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_parts_of_an_ansatz_are_not_passed_over(ignored, message, exact):
    can = Capabilities("liar", exact=exact, mixers=("x", "xy_ring"))
    with pytest.raises(AssertionError, match=message):
        check_backend(Liar({}, can, (ignored,)), computed=True)


class Renumbered:
    """A backend that moves variables without a gate behind the others, as a framework did."""

    capabilities = Capabilities("renumbered", exact=False, mixers=("xy_ring",))

    def compile(self, ansatz):
        gates = circuit(replace(ansatz, initial=None)).gates
        busy = {qubit for gate in gates for qubit in gate.qubits}
        order = sorted(range(ansatz.n), key=lambda k: (k not in busy, k))

        def moved(sample, angles, shots, rng):
            counts = sample(angles, shots, rng)
            return Counts.of(counts.states[:, order], counts.shots)

        return Lies(get_backend("statevector").compile(ansatz), {"sample": moved})


def test_a_variable_without_a_gate_keeps_its_place():
    with pytest.raises(AssertionError, match=r"without a gate: .* samples of states"):
        check_backend(Renumbered(), computed=True)


@dataclass(frozen=True)
class Shallow:
    """A backend that answers ansatzes without layers with one method changed."""

    changes: dict
    capabilities = Liar({}).capabilities

    def compile(self, ansatz):
        return Lies(
            get_backend("statevector").compile(ansatz), {} if ansatz.depth else self.changes
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample": reversed_variables}, "with depth 0: .* samples of states"),
        ({"expectation": lambda f, a: f(a) + 1e-6}, "with depth 0: mean cost"),
        ({"distribution": lambda f, a: (f(a)[0], 1.1 * f(a)[1])}, "with depth 0: a probability is"),
        ({"value_and_gradient": lambda f, a: (f(a)[0], np.zeros(2))}, "with depth 0: gradient"),
    ],
)
def test_depth_zero_is_asked_for(changes, message):
    with pytest.raises(AssertionError, match=message):
        check_backend(Shallow(changes))


def test_parts_of_an_ansatz_may_be_refused():
    class Plain:
        capabilities = Capabilities("plain", exact=True, mixers=("x", "xy_ring"))

        def compile(self, ansatz):
            if not ansatz.initial is ansatz.bias is ansatz.order is None:
                raise BackendError("only plain ones")
            return get_backend("statevector").compile(ansatz)

    check_backend(Plain())


def test_a_machine_is_judged_by_its_samples():
    def refused(expectation, angles):
        raise BackendError("it only samples")

    machine = Capabilities("machine", exact=False, mixers=("xy_ring",), seeded=False)
    unseeded = {"sample": lambda f, a, shots, rng: f(a, shots, np.random.default_rng(3))}
    check_backend(Liar({"expectation": refused, **unseeded}, machine))
    shy = {"expectation": refused, "sample": lambda f, a, shots, rng: f(0.9 * a, shots, rng)}
    with pytest.raises(AssertionError, match=r"samples have mean cost|chi-square"):
        check_backend(Liar(shy, machine))


def test_too_many_qubits_must_be_refused():
    small = Capabilities("small", exact=True, mixers=("x",), max_qubits=6)
    with pytest.raises(AssertionError, match="7 qubits were not refused with a CapacityError"):
        check_backend(Liar({}, small))


def test_a_backend_without_mixers_is_not_passed():
    idle = Capabilities("idle", exact=False, mixers=())
    with pytest.raises(AssertionError, match="idle lists no mixer"):
        check_backend(Liar({}, idle))


def crash(*args, **options):
    raise RuntimeError("the\ncryostat leaks")


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("sample", "sample with 4000 shots"),
        ("expectation", "expectation"),
        ("distribution", "distribution or gradient"),
        ("value_and_gradient", "distribution or gradient"),
    ],
)
def test_an_error_of_any_kind_is_a_finding_with_a_name(method, step):
    found = f"^liar with mixer 'x': {step} raised RuntimeError: the cryostat leaks$"
    with pytest.raises(AssertionError, match=found):
        check_backend(Liar({method: crash}))


def test_a_crash_where_a_refusal_is_due_is_a_finding():
    def fragile(truth, angles, *args, **options):
        if np.isnan(angles).any():
            raise RuntimeError("not a number")
        return truth(angles, *args, **options)

    with pytest.raises(AssertionError, match="senseless angles raised RuntimeError: not a number"):
        check_backend(Liar({"sample": fragile}))

    class Rigid:
        capabilities = Capabilities("rigid", exact=True, mixers=("xy_ring",))

        def compile(self, ansatz):
            if ansatz.initial is not None:
                raise NotImplementedError("no warm starts")
            return get_backend("statevector").compile(ansatz)

    with pytest.raises(AssertionError, match=r"a warm start, .* raised NotImplementedError: no wa"):
        check_backend(Rigid())
