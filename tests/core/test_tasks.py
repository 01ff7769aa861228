"""Samples that lack a modality or a label."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.tasks import Samples

THERE = np.array([True, False, True])


def samples(**masks):
    inputs = {"image": np.zeros((3, 2), np.float32), "audio": np.ones((3, 2), np.float32)}
    return Samples(np.arange(3), inputs, {"digit": np.array([0, 1, 2])}, **masks)


def test_masks_follow_their_rows_and_names():
    masked = samples(available={"image": THERE}, labelled={"digit": ~THERE})
    taken = masked.take(np.array([2, 1]))
    assert taken.available["image"].tolist() == [True, False]
    assert taken.labelled["digit"].tolist() == [False, True]
    assert masked.only(("audio",), ("digit",)).available == {}


def test_a_mask_of_nothing_is_refused():
    with pytest.raises(ConfigError, match=r"masks of \['video'\] mask nothing"):
        samples(available={"video": THERE})


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(ConfigError, match="one length"):
        samples(labelled={"digit": THERE[:2]})


def test_a_sample_without_any_modality_is_refused():
    with pytest.raises(ConfigError, match="1 samples have no modality at all"):
        samples(available={"image": THERE, "audio": THERE})
