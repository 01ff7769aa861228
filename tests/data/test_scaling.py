"""Scaling looks at training rows alone."""

from dataclasses import replace

import numpy as np

from qfl.core.tasks import Modality, Task
from qfl.data.assemble import assemble
from qfl.data.scaling import standardised

RNG = np.random.default_rng(0)


def test_scaling_looks_at_training_rows_alone():
    table = Modality("t", (2,), "tabular", (0, 3))
    steps = Modality("m", (2, 5), "imu")
    data = assemble(
        "landsat",
        {"x": np.zeros(1)},
        modalities={table: np.array([[1, 2], [3, 0], [99, 1]]), steps: RNG.random((3, 2, 5))},
        tasks={Task("y", "regression", 1): np.array([2.0, 4.0, 100.0])},
    )
    scaled = standardised(data, [0, 1])
    assert scaled.samples.inputs["t"].tolist() == [[-1, 2], [1, 0], [97, 1]]
    assert scaled.samples.targets["y"].tolist() == [-1, 1, 97]
    seen = scaled.samples.inputs["m"][:2]
    np.testing.assert_allclose(seen.mean((0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(seen.std((0, 2)), 1, atol=1e-5)
    far = replace(data, samples=data.samples.take(np.array([0, 1])))
    np.testing.assert_array_equal(standardised(far, [0, 1]).samples.inputs["m"], seen)
