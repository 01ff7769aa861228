"""MNIST: the official test set stays apart, and both distributions are one."""

import gzip

import numpy as np

from qfl.data import mnist
from tests.data.distributions import folders, ink, same

RNG = np.random.default_rng(0)


def test_mnist_keeps_the_first_and_the_official_test_set(given):
    given(mnist, ink())
    data = mnist.Mnist(samples=20).load()
    assert len(data.samples) == 80
    assert data.test_rows.tolist() == list(range(20, 80))
    assert data.samples.inputs["image"].max() <= 1


def test_mnist(tmp_path):
    official, repack = folders(tmp_path)
    arrays = {
        "x_train": RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "y_train": RNG.integers(0, 10, 5, dtype=np.uint8),
        "x_test": RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "y_test": RNG.integers(0, 10, 3, dtype=np.uint8),
    }
    np.savez(repack / "mnist_70k_uint8.npz", **arrays)
    names = {
        "x_train": "train-images-idx3-ubyte.gz",
        "y_train": "train-labels-idx1-ubyte.gz",
        "x_test": "t10k-images-idx3-ubyte.gz",
        "y_test": "t10k-labels-idx1-ubyte.gz",
    }
    for name, array in arrays.items():
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (official / names[name]).write_bytes(gzip.compress(head + array.tobytes()))
    same(mnist.read(official), mnist.read(repack))
    same(mnist.read(official), arrays)
