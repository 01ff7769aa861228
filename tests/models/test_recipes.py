"""Paths: what is shared and what is one's own, in the order of the model."""

import pytest

from qfl.core.tasks import Task
from qfl.models.recipes import shared_or_own

MODULES = (
    "encoder:image:*",
    "encoder:audio:*",
    "fusion:*:*",
    "expert:image:*:0:1",
    "head:*:digit",
    "head:*:parity",
)
DIGIT = Task("digit", "classification", 10)


@pytest.mark.parametrize(
    ("modalities", "missing"),
    [
        (["image", "audio"], {"head:*:parity"}),
        (["audio"], {"head:*:parity", "encoder:image:*", "expert:image:*:0:1"}),
        ([], {"head:*:parity", "encoder:image:*", "encoder:audio:*", "expert:image:*:0:1"}),
    ],
)
def test_a_path_leaves_out_other_modalities_and_other_tasks(modalities, missing):
    found = shared_or_own(MODULES, DIGIT, modalities)
    assert found == tuple(module for module in MODULES if module not in missing)


def test_modules_that_a_client_does_not_hold_are_on_no_path():
    assert shared_or_own(["head:*:digit"], DIGIT, ["image"]) == ("head:*:digit",)
