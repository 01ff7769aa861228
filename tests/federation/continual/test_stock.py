"""Samples behind each other: nothing invented, what is lacking masked, bytes counted."""

import numpy as np

from qfl.core.tasks import Samples
from qfl.federation.continual.stock import joined, size_bytes


def samples(n, modalities, tasks, **masks):
    return Samples(
        np.arange(n),
        {m: np.full((n, 2), 1.5, np.float32) for m in modalities},
        {t: np.ones(n, np.int64) for t in tasks},
        **masks,
    )


def test_what_a_part_lacks_is_zero_and_masked():
    both = joined([samples(2, ("a", "b"), ("x",)), samples(3, ("a",), ("y",))])
    assert list(both.inputs) == ["a", "b"]
    assert both.inputs["b"][:, 0].tolist() == [1.5, 1.5, 0, 0, 0]
    assert both.available["b"].tolist() == [True, True, False, False, False]
    assert "a" not in both.available
    assert both.labelled["x"].tolist() == [True, True, False, False, False]
    assert both.labelled["y"].tolist() == [False, False, True, True, True]
    assert both.targets["y"].dtype == np.int64


def test_masks_of_a_part_stay_and_the_others_are_there():
    hidden = {"a": np.array([False, True])}
    both = joined(
        [samples(2, ("a", "b"), ("x",), available=hidden), samples(1, ("a", "b"), ("x",))]
    )
    assert both.available["a"].tolist() == [False, True, True]
    assert set(both.available) == {"a"}
    assert both.labelled == {}


def test_one_part_is_itself_and_bytes_are_those_of_the_arrays():
    alone = samples(3, ("a",), ("x",))
    assert joined([alone]) is alone
    assert size_bytes(alone) == 3 * (2 * 4 + 8)
    masked = samples(3, ("a", "b"), ("x",), available={"a": np.array([True, False, True])})
    assert size_bytes(masked) == 3 * (2 * 2 * 4 + 8 + 1)
