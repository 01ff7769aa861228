from dataclasses import replace

import numpy as np
import pytest
from instances import k_of_n, ramp

from qfl.backends import get_backend
from qfl.backends.recorded import Recording
from qfl.core.errors import BackendError

ANSATZ = k_of_n(4, 2, "xy_ring", 1)


@pytest.fixture
def folder(tmp_path):
    """Two samples of one question and one of another, as measured; and where they are kept."""
    rng = np.random.default_rng(4)
    compiled = Recording(get_backend("subspace"), str(tmp_path)).compile(ANSATZ)
    first = [compiled.sample(ramp(1), 50, rng) for _ in range(2)]
    return tmp_path, first, compiled.sample(2 * ramp(1), 50, rng)


def test_what_was_measured_comes_back_in_order(folder):
    path, first, other = folder
    replayed = get_backend(f"recorded:{path}").compile(ANSATZ)
    rng = np.random.default_rng(99)
    found = [replayed.sample(angles, 50, rng) for angles in (ramp(1), 2 * ramp(1), ramp(1))]
    for given, expected in zip(found, [first[0], other, first[1]], strict=True):
        np.testing.assert_array_equal(given.samples(), expected.samples())


def test_what_was_not_measured_is_refused(folder):
    path, _, _ = folder
    replayed = get_backend("recorded", path=str(path)).compile(ANSATZ)
    with pytest.raises(BackendError, match=r"holds 0 answers to request .* \(51 shots\)"):
        replayed.sample(ramp(1), 51, np.random.default_rng(0))
    with pytest.raises(BackendError, match="holds samples and no expectations"):
        replayed.expectation(ramp(1))
    with pytest.raises(BackendError, match="no recorded counts in"):
        get_backend("recorded:nowhere").compile(ANSATZ)


def test_a_damaged_file_is_named(folder):
    path, _, _ = folder
    victim = sorted(path.glob("*.json"))[0]
    victim.write_text(victim.read_text()[:40])
    with pytest.raises(BackendError, match=f"{victim.name} is damaged"):
        get_backend(f"recorded:{path}").compile(ANSATZ)


@pytest.mark.parametrize("text", ["[1, 2]", '{"name": "other"}', '{"circuits": [{"counts": 3}]}'])
def test_a_foreign_file_is_not_to_be_deleted(tmp_path, text):
    (tmp_path / "notes.json").write_text(text)
    with pytest.raises(BackendError, match=r"notes.json is not a recording of qfl .* move it"):
        get_backend(f"recorded:{tmp_path}").compile(ANSATZ)


def test_recording_changes_nothing_else(tmp_path):
    inner = get_backend("subspace")
    wrapped = Recording(inner, str(tmp_path))
    assert wrapped.capabilities == replace(inner.capabilities, exact=False)
    values = [backend.compile(ANSATZ).expectation(ramp(1)) for backend in (inner, wrapped)]
    assert values[0] == values[1]
    assert list(tmp_path.iterdir()) == []
