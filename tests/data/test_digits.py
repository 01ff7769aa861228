"""The demo data: real digits, a derived profile, and a slant that the profile cannot give away."""

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score

from qfl.data import DATASETS
from qfl.data.digits import slant

DIGITS_SHA256 = "f04ae210f17db9f50934a7e6dee4949e94bfa8abb65cc339a0da4b922aa14f5a"


def load():
    return DATASETS.resolve("digits")().load()


def test_profile_is_the_ink_of_rows_then_columns():
    data = load()
    image, profile = data.samples.inputs["image"], data.samples.inputs["profile"]
    np.testing.assert_allclose(profile[:, :8] * 8, image.sum(2), rtol=1e-6)
    np.testing.assert_allclose(profile[:, 8:] * 8, image.sum(1), rtol=1e-6)


def test_slant_of_known_strokes():
    falling = np.eye(5, dtype=np.float32)
    upright = np.zeros((5, 5), np.float32)
    upright[:, 2] = 1
    np.testing.assert_allclose(slant(np.stack([falling, falling[:, ::-1], upright])), [1, -1, 0])


def test_slant_is_easy_from_the_image_and_hard_from_the_profile():
    """Why slant and not total ink: total ink is a sum of either view."""
    samples = load().samples
    target = samples.targets["slant"]

    def explained(x):
        return cross_val_score(RidgeCV(np.logspace(-3, 3, 7)), x, target, cv=5).mean()

    image = explained(samples.inputs["image"].reshape(len(target), -1))
    profile = explained(samples.inputs["profile"])
    assert image > 0.94
    assert 0.5 < profile < image - 0.15


def test_the_hash_is_that_of_the_raw_pixels_and_labels():
    """Computed views would make cell ids depend on the processor."""
    assert load().sha256 == DIGITS_SHA256
