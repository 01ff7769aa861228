"""Every adapter passes the conformance kit, machines of a cloud against its loopback."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from loopback import DEVICE
from machine_fixtures import cloud, connected

from qfl.backends import get_backend, on_snapshot, snapshots
from qfl.backends.recorded import Recording
from qfl.backends.targets import Device, without_errors
from qfl.testing import check_backend

__all__ = ["cloud", "connected"]


@pytest.mark.parametrize("device", ["lightning.qubit", "default.qubit"])
def test_pennylane(device):
    check_backend(get_backend(f"pennylane:{device}"))


@dataclass(frozen=True)
class WithoutGradients:
    """A backend whose slow gradients are tested elsewhere."""

    inner: Any

    @property
    def capabilities(self):
        return replace(self.inner.capabilities, exact=False)

    def compile(self, ansatz):
        return self.inner.compile(ansatz)


@pytest.mark.parametrize("device", ["default.mixed", "default.tensor"])
def test_pennylane_without_gradients(device):
    check_backend(WithoutGradients(get_backend(f"pennylane:{device}")), computed=True)


@pytest.mark.parametrize("method", ["statevector", "density_matrix", "matrix_product_state"])
def test_aer(method):
    check_backend(get_backend("aer", method=method), computed=True)


@pytest.mark.parametrize("like", ["fake_manila", "fake_boston", "fake_sherbrooke"])
def test_a_snapshot_without_errors(monkeypatch, like):
    """Its routing and our own engine; cx, cz and ecr."""
    perfect = Device(without_errors(snapshots.snapshot(like).target))
    parts = [*vars(snapshots).values(), *vars(on_snapshot).values()]
    remembered = [each for each in parts if hasattr(each, "cache_clear")]
    monkeypatch.setattr(snapshots, "snapshot", lambda name: perfect)
    for each in remembered:
        each.cache_clear()
    check_backend(get_backend(f"aer:{like}"), computed=True)
    for each in remembered:
        each.cache_clear()


def test_braket_local():
    check_backend(get_backend("braket:local"), computed=True)


def test_noise_and_mitigation_leave_a_perfect_backend_as_it_is():
    check_backend(get_backend("noise:depolarising", two_qubit_error=0.0, backend="statevector"))
    selected = get_backend("mitigation:post_selection", backend="subspace")
    check_backend(selected, computed=True)


def test_recorded(tmp_path):
    """What is recorded while the kit asks answers the kit."""
    check_backend(Recording(get_backend("statevector"), str(tmp_path)), computed=True)
    check_backend(get_backend(f"recorded:{tmp_path}"))


@pytest.mark.parametrize("wrappers", [(), ("mitigation:readout", "mitigation:post_selection")])
def test_a_machine_of_the_cloud_and_its_mitigation(cloud, wrappers):
    """The loopback machine runs without noise; here it also says that it reads without errors."""
    cloud.perfect = True
    backend = get_backend(f"ibm:{DEVICE}", level=0, wait_seconds=30.0)
    for wrapper in wrappers:
        backend = get_backend(wrapper, backend=backend)
    check_backend(backend)
