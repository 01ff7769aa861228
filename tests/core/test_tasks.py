"""Samples that lack a modality or a label."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.tasks import Later, Samples

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


def test_what_is_made_later_is_made_whenever_it_is_looked_at():
    asked = []

    def make():
        asked.append(1)
        return samples()

    later = Samples.later(np.arange(3), ("image", "audio"), ("digit",), make)
    assert list(later.inputs) == ["image", "audio"]
    assert len(later) == 3
    assert "text" not in later.inputs
    assert not asked
    for _ in range(2):
        np.testing.assert_array_equal(later.inputs["image"], samples().inputs["image"])
    assert len(asked) == 2
    with pytest.raises(KeyError):
        later.inputs["text"]
    assert later.made is not later
    assert samples().made.inputs.keys() == later.inputs.keys()


def test_parts_of_what_is_made_later_are_made_later_too():
    later = Samples.later(np.arange(3), ("image", "audio"), ("digit",), samples)
    for part, plain in (
        (later.take(np.array([2, 0])), samples().take(np.array([2, 0]))),
        (later.only(("audio",), ("digit",)), samples().only(("audio",), ("digit",))),
    ):
        assert isinstance(part.inputs, Later)
        assert part.ids.tolist() == plain.ids.tolist()
        assert part.inputs.keys() == plain.inputs.keys()
        np.testing.assert_array_equal(part.made.inputs["audio"], plain.inputs["audio"])
        np.testing.assert_array_equal(part.made.targets["digit"], plain.targets["digit"])
