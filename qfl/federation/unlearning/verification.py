"""What is left of what was to be forgotten: pure numbers about models that answer.

Every number compares with training without what was forgotten. "The retrained" is that, by the
same system from the same fresh weights; "independent retrainings" are others from other weights
and batches. Nothing here knows how the forgetting was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import kl_div

from qfl.core.tasks import Task
from qfl.federation.evaluate import Predict, measures, score, scored
from qfl.federation.population import TensorSamples
from qfl.federation.unlearning.relearning import losses_of
from qfl.security.attacks.membership import area_under_curve

LEAST = 200
"""Samples on each side below which nobody is asked who was a member."""
_PERCENTILE = 95.0
_CLASSES = ("classification", "tagging")

Asked = tuple[TensorSamples, tuple[Task, ...]]
"""Samples, and what is asked about them."""


def gap(after: Predict, retrained: Predict, asked: Sequence[Asked]) -> float | None:
    """Return the mean score over sets of samples of what has forgotten, less that of the
    retrained; None if nothing can be measured."""
    gaps = []
    for samples, tasks in asked:
        left, right = (measures(one(samples), samples, tasks) for one in (after, retrained))
        if scored(left):
            gaps.append(score(left) - score(right))
    return float(np.mean(gaps)) if gaps else None


def divergence(
    reference: Predict, other: Predict, samples: TensorSamples, tasks: Sequence[Task]
) -> float:
    """Return the mean Kullback-Leibler divergence of answers, in nats; 0 for the same answers.

    Over samples and tasks, KL(reference || other). Numbers count as means of Gaussians of
    variance 1, so that their term is half a squared difference.
    """
    theirs, ours = reference(samples), other(samples)
    terms = [_divergence(task, theirs[task.name], ours[task.name]) for task in tasks]
    return float(torch.stack(terms).mean())


def spread(retrainings: Sequence[Predict], samples: TensorSamples, tasks: Sequence[Task]) -> float:
    """Return the 95th percentile of the divergence between independent retrainings, in nats.

    All ordered pairs count; few retrainings make it a rough figure.
    """
    found = [divergence(a, b, samples, tasks) for a, b in permutations(retrainings, 2)]
    return float(np.percentile(found, _PERCENTILE))


def membership(
    after: Predict,
    retrainings: Sequence[Predict],
    seen: Sequence[Asked],
    unseen: Sequence[Asked],
) -> float | None:
    """Return the area under the ROC curve of guessing which samples had been in training.

    A sample scores by the share of the retrainings to which it is known less well, ties by halves.
    An exact method is one more retraining, so that every share is as likely for any sample and 0.5
    is chance, also where clients stay and their samples remain in training without what is
    forgotten. (Differences of losses are not: they are skewed where samples were trained on, which
    was measured to pull exact methods to 0.48.) None with fewer than `LEAST` samples on a side.

    Reference: Ye, Maddi, Murakonda, Bindschaedler, Shokri, "Enhanced membership inference attacks
    against machine learning models", CCS 2022, arXiv:2111.09679 (attack R).
    """
    members, others = (_scores(after, retrainings, asked) for asked in (seen, unseen))
    if min(len(members), len(others)) < LEAST:
        return None
    return area_under_curve(members, others)


def _scores(
    after: Predict, retrainings: Sequence[Predict], asked: Sequence[Asked]
) -> NDArray[np.float64]:
    found = [np.zeros(0)]
    for samples, tasks in asked:
        known = losses_of(after(samples), samples, tasks)
        unknown = [losses_of(predict(samples), samples, tasks) for predict in retrainings]
        others = torch.stack(unknown)
        share = (others > known).double().mean(0) + (others == known).double().mean(0) / 2
        found.append(share.numpy())
    return np.concatenate(found)


def _divergence(task: Task, theirs: Tensor, ours: Tensor) -> Tensor:
    """0-d, float64."""
    p, q = theirs.double(), ours.double()
    if task.kind not in _CLASSES:
        return (p - q).square().flatten(1).sum(1).mean() / 2
    return (
        kl_div(q.log_softmax(-1), p.log_softmax(-1), log_target=True, reduction="none")
        .sum(-1)
        .mean()
    )
