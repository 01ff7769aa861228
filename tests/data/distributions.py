"""Files as they are distributed, and arrays that must come out of them alike."""

import numpy as np

from qfl.data.catalog import fingerprint


def same(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].dtype == two[name].dtype, name
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert fingerprint(one) == fingerprint(two)


def folders(tmp_path):
    found = [tmp_path / "official" / "deeper", tmp_path / "repack"]
    for path in found:
        path.mkdir(parents=True)
    return found


def ink(n=60):
    """Pictures of noise and their digits, as MNIST has them."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (n, 28, 28)).astype(np.uint8),
        "y_train": np.arange(n, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (n, 28, 28)).astype(np.uint8),
        "y_test": np.arange(n, dtype=np.uint8) % 10,
    }
