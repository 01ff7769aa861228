"""Centralised accuracy on the real sets against the reference: are loaders and models right?

The bars are the reference accuracies less two points. Needs the files (QFL_DATA); each row takes
from some seconds to some minutes on one core.
"""

import os
from dataclasses import dataclass, field

import numpy as np
import pytest
from centralised import scores, train

from qfl.data import DATASETS
from qfl.data.catalog import folder
from qfl.models.transformer import PROFILES

TEST_SHARE, SPLIT_SEED = 0.2, 7


@dataclass(frozen=True)
class Case:
    """A set, how it is split, how it is trained, and what each task must reach.

    `split` is "official", "random", or a natural key of which whole groups are held out.
    """

    name: str
    bars: dict
    split: str = "official"
    profile: str = "tiny"
    options: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)


CASES = [
    Case("av_digits", {"digit": 0.985}, profile="small", training={"epochs": 12, "hide": 0.4}),
]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.name} {case.options or ''}".strip()
)
def test_centralised_accuracy(report, benchmark, case):
    parts = {"av_digits": ("fsdd", "mnist")}.get(case.name, (case.name,))
    if not os.environ.get("QFL_DATA") or not all(folder(part) for part in parts):
        pytest.skip(f"{' and '.join(parts)} not in QFL_DATA; qfl data fetch {' '.join(parts)}")
    data = DATASETS.resolve(case.name)(**case.options).load()
    n, rng = len(data.samples), np.random.default_rng(SPLIT_SEED)
    if case.split == "official":
        test = data.test_rows
    elif case.split == "random":
        test = rng.permutation(n)[: round(TEST_SHARE * n)]
    else:
        groups = data.groups[case.split]
        count = groups.max() + 1
        test = np.flatnonzero(np.isin(groups, rng.permutation(count)[: round(TEST_SHARE * count)]))
    rows = np.setdiff1d(np.arange(n), test)
    fitted = benchmark.pedantic(
        lambda: train(data, PROFILES[case.profile], rows, **case.training), rounds=1
    )
    found = scores(*fitted, test)
    for task, bar in case.bars.items():
        report.ratio(f"{case.name}, {task}, centralised {case.profile}", found[task], at_least=bar)
