"""Exactly as many samples lack a modality as asked, and the right ones."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.data.missing import lacking

NAMES = ("audio", "image", "touch")


def world(seed=0, sizes=(50, 31, 120, 7)):
    """Rows of four clients out of 300, with ten classes."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(300)
    parts = np.split(rows[: sum(sizes)], np.cumsum(sizes)[:-1])
    return parts, rng.integers(0, 10, 300)


def masks_of(share, mechanism="random", count=2, seed=0):
    parts, labels = world()
    rng = np.random.default_rng(seed)
    found = lacking(NAMES[:count], parts, share=share, mechanism=mechanism, labels=labels, rng=rng)
    return parts, labels, found


@pytest.mark.parametrize("mechanism", ["random", "class", "client"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_realised_shares_are_the_request(share, count, mechanism):
    """To half a sample in total, one sample between modalities; never two missing at once."""
    parts, _, found = masks_of(share, mechanism, count)
    rows = np.concatenate(parts)
    lost = np.stack([~mask for mask in found.values()])
    assert lost.sum() == lost[:, rows].sum() == round(share * len(rows))
    assert lost.sum(0).max(initial=0) <= 1
    assert np.ptp(lost.sum(1)) <= 1


@pytest.mark.parametrize("mechanism", ["random", "class", "client"])
def test_the_papers_example_comes_out_to_the_sample(mechanism):
    """1,000 pairs, 200 with the image alone and 300 with the text alone."""
    parts, labels = np.split(np.arange(1000), 8), np.arange(1000) % 7
    found = lacking(
        ("text", "image"),
        parts,
        share=(0.2, 0.3),
        mechanism=mechanism,
        labels=labels,
        rng=np.random.default_rng(0),
    )
    lost = {name: ~mask for name, mask in found.items()}
    assert (lost["text"].sum(), lost["image"].sum()) == (200, 300)
    assert not (lost["text"] & lost["image"]).any()


def test_a_draw_with_a_probability_would_miss_the_request():
    """The mutation of the test above: independent draws are off by their standard error."""
    rng = np.random.default_rng(0)
    off = [abs((rng.random(208) < 0.5).sum() - 104) for _ in range(50)]
    assert np.mean(off) > 2


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_by_chance_every_client_lacks_the_same_share(share):
    parts, _, found = masks_of(share)
    for part in parts:
        lost = sum(int((~mask[part]).sum()) for mask in found.values())
        assert abs(lost - share * len(part)) <= 2


def test_by_class_whole_classes_lack_the_same_modality():
    parts, labels, found = masks_of(0.5, "class")
    rows = np.concatenate(parts)
    shares = np.array(
        [[(~mask[rows[labels[rows] == c]]).mean() for c in range(10)] for mask in found.values()]
    )
    assert (np.isin(shares, (0.0, 1.0)).sum(1) >= 8).all()  # but for the classes on the borders


def test_by_client_whole_clients_lack_the_same_modality():
    parts, _, found = masks_of(0.5, "client")
    shares = np.array([[(~mask[part]).mean() for part in parts] for mask in found.values()])
    assert (np.isin(shares, (0.0, 1.0)).sum(1) >= 2).all()
    assert shares.sum(0).max() <= 1


def test_the_seed_decides_and_nothing_else():
    _, _, first = masks_of(0.5, seed=1)
    _, _, again = masks_of(0.5, seed=1)
    _, _, other = masks_of(0.5, seed=2)
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"share": 1.2}, ConfigError, r"lies in 0\.\.1.*got 1\.2"),
        ({"share": (0.6, 0.5)}, ConfigError, "the sum of"),
        ({"share": (0.1, 0.1, 0.1)}, ConfigError, "one for each of audio, image"),
        ({"share": (0.5, -0.1)}, ConfigError, r"lies in 0\.\.1"),
        ({"share": 0.5, "count": 1}, ConfigError, "audio alone cannot lack it"),
        ({"share": 0.5, "mechanism": "moon"}, UnknownNameError, "mechanism 'moon'"),
    ],
)
def test_what_makes_no_sense_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        masks_of(**options)
