"""Open University: who passes, from what is known on a given day.

The data describe people: only aggregate results may be reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import Columns, block, codes, read_csv

_TABLES = ("studentInfo", "studentAssessment", "assessments", "studentRegistration")
_KEY = ("code_module", "code_presentation", "id_student")
_NUMBERS = ("date", "weight", "date_submitted", "score", "date_registration")
_PASSED = ("Pass", "Distinction")
_RESULTS = Modality("results", (6,), "tabular")


def read(folder: Path) -> Raw:
    """Return the columns of four tables, named "table/column": days, weights and scores as numbers
    (NaN where there is none), the rest as text. The day of leaving, which gives the outcome away,
    is not read."""
    raw: dict[str, NDArray[Any]] = {}
    for table in _TABLES:
        for name, column in read_csv(locate(folder, f"{table}.csv")).items():
            known = np.where(column == "?", "", column)
            if name in _NUMBERS:
                known = np.where(known == "", "nan", known).astype(np.float64)
            if name != "date_unregistration":
                raw[f"{table}/{name}"] = known
    return raw


@dataclass(frozen=True, slots=True)
class Oulad:
    """The loader.

    Attributes:
        day: only what was handed in by this day of a course is shown.
    """

    day: int = 100

    def load(self) -> Dataset:
        """Return 32,593 enrolments, tasks pass and outcome (4 classes).

        Natural clients are the 22 presentations of courses, or 13 regions.
        """
        raw = arrays_of("oulad", read)
        info = _table(raw, "studentInfo")
        person, person_values = block(
            "person",
            info,
            numeric=("num_of_prev_attempts", "studied_credits"),
            coded=("gender", "highest_education", "imd_band", "age_band", "disability"),
        )
        presentation = np.char.add(info["code_module"], info["code_presentation"])
        course, course_values = block("course", {"presentation": presentation},
                                      coded=("presentation",))  # fmt: skip
        return assemble(
            "oulad",
            raw,
            modalities={
                person: person_values,
                course: course_values,
                _RESULTS: self._results(raw, info),
            },
            tasks={
                Task("pass", "classification", 2): np.isin(info["final_result"], _PASSED),
                Task("outcome", "classification", 4): codes(info["final_result"]),
            },
            groups={"presentation": presentation, "region": info["region"]},
        )

    def _results(self, raw: Raw, info: Columns) -> NDArray[np.float64]:
        """Return per enrolment: share handed in, mean score, weighted score, days early, day of
        registration, last day of activity."""
        rows = {key: k for k, key in enumerate(zip(*(info[name] for name in _KEY), strict=True))}
        tests = _table(raw, "assessments")
        course = dict(
            zip(
                tests["id_assessment"],
                zip(tests["code_module"], tests["code_presentation"], tests["date"],
                    tests["weight"], strict=True),
                strict=True,
            )
        )  # fmt: skip
        due: dict[tuple[str, str], int] = {}
        for module, presentation, date, _ in course.values():
            if date <= self.day:
                due[module, presentation] = due.get((module, presentation), 0) + 1
        found = np.zeros((len(rows), 6))
        found[:, 5] = -1.0
        done = _table(raw, "studentAssessment")
        for test, student, day, score in zip(
            done["id_assessment"], done["id_student"], done["date_submitted"], done["score"],
            strict=True,
        ):  # fmt: skip
            module, presentation, date, weight = course[test]
            row = rows.get((module, presentation, student))
            if row is None or day > self.day:
                continue
            mark = np.nan_to_num(score)
            early = np.nan_to_num(date - day)
            found[row] += [1, mark, mark * weight / 100, early, 0, 0]
            found[row, 5] = max(found[row, 5], day)
        handed_in = np.maximum(found[:, 0], 1)
        found[:, 1] /= handed_in
        found[:, 3] /= handed_in
        tests_due = [due.get(key[:2], 1) for key in rows]
        found[:, 0] /= tests_due
        registered = _table(raw, "studentRegistration")
        for *key, day in zip(
            *(registered[name] for name in (*_KEY, "date_registration")), strict=True
        ):
            found[rows[tuple(key)], 4] = np.nan_to_num(day)
        return found


def _table(raw: Raw, name: str) -> Columns:
    return {
        key.removeprefix(f"{name}/"): column
        for key, column in raw.items()
        if key.startswith(f"{name}/")
    }
