"""What a client that keeps a model of its own decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """A client's personal model beside the common one, on one task.

    Attributes:
        client, task: whose, and on what.
        common_loss: of the common model as this client trained it; None where no sample has the
            label, so that nothing is replaced.
        personal_loss: of its own; None where it has none to compare with yet, or no label either.
        replaced: the modules of its own that it took from the common model; empty if it kept them.
    """

    client: str
    task: str
    common_loss: float | None
    personal_loss: float | None
    replaced: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Comparison:
        """Return the comparison that a record holds."""
        return cls(**{**row, "replaced": tuple(row["replaced"])})
