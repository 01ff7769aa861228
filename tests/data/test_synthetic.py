"""The made-up data say how much each modality is worth for each task, and it is true."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score

from qfl.core.errors import ConfigError
from qfl.data.synthetic import Synthetic


def explained(loader, modality):
    """R2 of the score of task 0 from one modality alone."""
    data = loader.load()
    x = data.samples.inputs[data.modalities[modality].name].reshape(len(data.samples), -1)
    return cross_val_score(RidgeCV(), x, data.samples.targets["task_0"], cv=4).mean()


def test_a_modality_explains_its_share_of_a_task():
    """R2 of 3,000 samples has a standard error below .015; .06 is four of them."""
    shares = ((0.6, 0.4, 0.0),)
    loader = Synthetic(samples=3000, shares=shares, noise=0.0)
    for modality, share in enumerate(shares[0]):
        if modality != 2:  # a series is shown without its level
            assert explained(loader, modality) == pytest.approx(share, abs=0.06)
    assert explained(loader, 2) < 0.02


def test_more_noise_explains_less():
    loaders = [Synthetic(samples=1500, noise=noise) for noise in (0.0, 1.0, 5.0)]
    values = [explained(loader, 0) for loader in loaders]
    assert values[0] > 0.98
    assert values[0] > values[1] > values[2]


def test_the_same_seed_gives_the_same_data_and_hash():
    one, two, other = Synthetic().load(), Synthetic().load(), Synthetic(seed=1).load()
    for name, x in one.samples.inputs.items():
        np.testing.assert_array_equal(x, two.samples.inputs[name])
        assert not np.array_equal(x, other.samples.inputs[name])
    assert one.sha256 == two.sha256 != other.sha256


def test_groups_are_natural_clients_of_equal_size():
    data = Synthetic(groups=5, group_shift=2.0).load()
    group = data.groups["group"]
    assert np.bincount(group).tolist() == [120] * 5
    means = [data.samples.inputs["vector_0"][group == g].mean() for g in range(5)]
    assert np.std(means) > 0.1


def test_shares_must_add_up():
    with pytest.raises(ConfigError, match="adding up to 1"):
        Synthetic(shares=((0.5, 0.2),))


@pytest.mark.parametrize("redundancy", [0.0, 0.5, 1.0])
def test_what_a_modality_alone_can_tell_is_known_under_redundancy(redundancy):
    """R2 of 3,000 samples has a standard error below .015; .06 is four of them."""
    loader = Synthetic(samples=3000, shares=((0.7, 0.3),), noise=0.0, redundancy=redundancy)
    for modality in range(2):
        assert explained(loader, modality) == pytest.approx(loader.explained(0, modality), abs=0.06)
    if redundancy == 1:
        assert loader.explained(0, 1) == 1


def test_more_classes_than_two_are_the_largest_of_as_many_scores():
    loader = Synthetic(samples=3000, classes=4, regressions=0, noise=0.0)
    data = loader.load()
    assert [task.outputs for task in data.tasks] == [4] * 4
    for task in data.tasks:
        share = np.bincount(data.samples.targets[task.name], minlength=4) / 3000
        assert share.min() > 0.1
    assert loader.explained(2, 0) == pytest.approx(0.5)


def test_related_tasks_have_scores_that_go_together():
    """The correlation of two scores is that of their weights: 1 if related, else around 0."""
    shares = ((0.5, 0.5), (0.5, 0.5))

    def correlations(relatedness):
        for seed in range(10):
            loader = Synthetic(shares=shares, regressions=2, relatedness=relatedness, seed=seed)
            targets = loader.load().samples.targets
            yield np.corrcoef(targets["task_0"], targets["task_1"])[0, 1]

    assert min(correlations(1.0)) == pytest.approx(1.0, abs=1e-6)
    assert np.mean(list(correlations(0.7))) > 0.3 > np.mean(list(correlations(0.0)))


@pytest.mark.parametrize(
    "options",
    [
        {"classes": 1},
        {"regressions": 5},
        {"redundancy": 1.1},
        {"relatedness": -0.1},
        {"factors": 0},
    ],
)
def test_what_cannot_be_drawn_is_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options)).rstrip("s")):
        Synthetic(**options)
