"""A crowd draws the same samples whenever it is asked, and those of `synthetic` in kind."""

import numpy as np
import pytest

from qfl.core.rng import Streams
from qfl.data.crowd import Crowd
from qfl.data.synthetic import Synthetic

SHARES = ((1.0, 0.0), (0.0, 1.0), (0.5, 0.5))
LOADER = Synthetic(shares=SHARES, regressions=1, classes=3, redundancy=0.5)
MODALITIES, TASKS = ("vector_0", "imu_1"), ("task_0", "task_1", "task_2")


@pytest.fixture
def crowd():
    offsets = np.zeros((5, 2, 4), np.float32)
    offsets[4] = 3.0
    return Crowd(LOADER, offsets, Streams(2))


def drawn(crowd, client, part="train", modalities=MODALITIES, tasks=TASKS, count=400):
    return crowd.samples(client, part, np.arange(count), modalities, tasks)


def test_samples_are_the_same_whenever_they_are_asked_for(crowd):
    first, other, test = drawn(crowd, 1), drawn(crowd, 2), drawn(crowd, 1, "test")
    again = drawn(crowd, 1)
    for name, array in first.inputs.items():
        np.testing.assert_array_equal(array, again.inputs[name])
        assert not np.array_equal(array, other.inputs[name])
        assert not np.array_equal(array, test.inputs[name])
    assert {n: x.shape for n, x in first.inputs.items()} == {
        "vector_0": (400, 12),
        "imu_1": (400, 3, 40),
    }


def test_labels_are_those_of_the_samples(crowd):
    np.testing.assert_array_equal(crowd.labels(3, "train", 400), drawn(crowd, 3).targets["task_2"])


def test_who_holds_less_sees_the_same_labels(crowd):
    part = drawn(crowd, 1, modalities=("imu_1",), tasks=("task_2",))
    assert list(part.inputs) == ["imu_1"]
    np.testing.assert_array_equal(part.targets["task_2"], drawn(crowd, 1).targets["task_2"])


def test_a_task_is_told_by_the_modalities_that_carry_it(crowd):
    """task_0 is a score that modality 0 alone carries: a linear fit finds it there, and of the
    other modality half of its variance at the most, which is their correlation squared."""
    samples = drawn(crowd, 0, count=4000)

    def explained(name):
        x = samples.inputs[name].reshape(4000, -1).astype(np.float64)
        y = samples.targets["task_0"].astype(np.float64)
        fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
        return 1 - np.square(y - fitted).mean() / y.var()

    assert explained("vector_0") > 0.95
    assert 0.15 < explained("imu_1") < 0.4


def test_an_offset_moves_inputs(crowd):
    here, there = (drawn(crowd, client).inputs["vector_0"].mean() for client in (0, 4))
    lens = LOADER.lens(0)
    assert there - here == pytest.approx(3 * lens.sum(0).mean(), abs=0.3)


def test_mixed_samples_have_an_offset_each(crowd):
    offsets = np.repeat(np.float32([[[0.0]], [[5.0]]]), 200, axis=0) * np.ones(
        (1, 2, 4), np.float32
    )
    samples = crowd.mixed("test", np.arange(400), offsets)
    near, far = samples.inputs["vector_0"][:200], samples.inputs["vector_0"][200:]
    np.testing.assert_allclose((far.mean(0) - near.mean(0)), 5 * LOADER.lens(0).sum(0), atol=0.6)
