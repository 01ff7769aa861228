"""From arrays to a data set: what is no number, or has another shape, is refused by name."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality, Task
from qfl.data.assemble import assemble


def test_numbers_that_are_not_are_refused_by_name():
    x = np.array([[1.0], [np.nan]])
    task = {Task("a", "classification", 2): np.array([0, 1])}
    with pytest.raises(ConfigError, match="v has 1 values that are NaN"):
        assemble("landsat", {}, modalities={Modality("v", (1,)): x}, tasks=task)
    with pytest.raises(ConfigError, match=r"has shape \(1,\) per sample, declared is \(2,\)"):
        assemble("landsat", {}, modalities={Modality("v", (2,)): x[:1]}, tasks=task)
