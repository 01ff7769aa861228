"""Students of two public sets, their records cut into blocks of features, each a modality.

The data describe people: only aggregate results may be reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import Columns, block, codes, numbers, read_csv

_PASS_MARK = 10
_FINAL = "G3"
_PERFORMANCE_BLOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "person": (("age",), ("sex", "address", "romantic")),
    "family": (
        ("Medu", "Fedu", "famrel"),
        ("famsize", "Pstatus", "Mjob", "Fjob", "guardian", "famsup"),
    ),
    "school": (
        ("traveltime", "studytime", "failures", "absences"),
        ("reason", "schoolsup", "paid", "activities", "nursery", "higher", "internet"),
    ),
    "habits": (("freetime", "goout", "Dalc", "Walc", "health"), ()),
}
"""Block -> (numbers, categories)."""

_DROPOUT_BLOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "person": (
        ("Age at enrollment",),
        ("Marital status", "Nacionality", "Displaced", "Educational special needs", "Gender",
         "International"),
    ),
    "family": (
        (),
        ("Mother's qualification", "Father's qualification", "Mother's occupation",
         "Father's occupation"),
    ),
    "entry": (
        ("Previous qualification (grade)", "Admission grade", "Application order"),
        ("Application mode", "Course", "Daytime/evening attendance", "Previous qualification"),
    ),
    "means": (
        ("Unemployment rate", "Inflation rate", "GDP"),
        ("Debtor", "Tuition fees up to date", "Scholarship holder"),
    ),
    "studies": (
        tuple(
            f"Curricular units {term} sem ({what})"
            for term in ("1st", "2nd")
            for what in ("credited", "enrolled", "evaluations", "approved", "grade",
                         "without evaluations")
        ),
        (),
    ),
}  # fmt: skip


def read_performance(folder: Path) -> Raw:
    """Return the columns of both subjects, mathematics first, and the column "subject"."""
    tables = {
        subject: read_csv(locate(folder, f"student-{subject}.csv"), delimiter=";")
        for subject in ("mat", "por")
    }
    sizes = [len(table[_FINAL]) for table in tables.values()]
    columns = {
        name: np.concatenate([table[name] for table in tables.values()]) for name in tables["mat"]
    }
    return {**columns, "subject": np.repeat(list(tables), sizes)}


def read_dropout(folder: Path) -> Raw:
    """Return the 37 columns as text."""
    return read_csv(locate(folder, "data.csv"), delimiter=";")


@dataclass(frozen=True, slots=True)
class StudentPerformance:
    """The loader.

    Attributes:
        grades: which earlier grades are shown: both, the first, or none.
    """

    grades: Literal["both", "first", "none"] = "both"

    def load(self) -> Dataset:
        """Return 1,044 records, tasks pass and grade; natural clients are school x subject."""
        raw = arrays_of("student_performance", read_performance)
        blocks = dict(_PERFORMANCE_BLOCKS)
        shown = {"both": ("G1", "G2"), "first": ("G1",), "none": ()}[self.grades]
        if shown:
            blocks["grades"] = (shown, ())
        final = numbers(raw, [_FINAL])[:, 0]
        return assemble(
            "student_performance",
            raw,
            modalities=_modalities(raw, blocks),
            tasks={
                Task("pass", "classification", 2): final >= _PASS_MARK,
                Task("grade", "regression", 1): final,
            },
            groups={
                "silo": np.char.add(np.char.add(raw["school"], "/"), raw["subject"]),
                "subject": raw["subject"],
            },
        )


@dataclass(frozen=True, slots=True)
class StudentDropout:
    """The loader; it has no options."""

    def load(self) -> Dataset:
        """Return 4,424 students, task outcome of 3 classes; natural clients are 17 courses."""
        raw = arrays_of("student_dropout", read_dropout)
        return assemble(
            "student_dropout",
            raw,
            modalities=_modalities(raw, _DROPOUT_BLOCKS),
            tasks={Task("outcome", "classification", 3): codes(raw["Target"])},
            groups={"course": raw["Course"]},
        )


def _modalities(
    columns: Columns, blocks: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
) -> dict[Modality, NDArray[np.float32]]:
    return dict(
        block(name, columns, numeric=numeric, coded=coded)
        for name, (numeric, coded) in blocks.items()
    )
