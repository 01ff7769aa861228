"""Students: grades only when asked, every column once."""

import numpy as np

from qfl.data import students


def test_grades_are_shown_only_when_asked(given):
    numeric = {n for block in students._PERFORMANCE_BLOCKS.values() for n in block[0]}
    coded = {n for block in students._PERFORMANCE_BLOCKS.values() for n in block[1]}
    raw = {name: np.array(["1", "2", "3"]) for name in numeric | {"G1", "G2"}}
    raw |= {name: np.array(["x", "y", "x"]) for name in coded}
    raw |= {"G3": np.array(["9", "10", "20"]), "school": np.array(["GP", "MS", "GP"])}
    given(students, raw | {"subject": np.array(["mat", "mat", "por"])}, "read_performance")
    data = students.StudentPerformance(grades="first").load()
    assert data.samples.targets["pass"].tolist() == [0, 1, 1]
    assert data.samples.inputs["grades"].shape == (3, 1)
    assert data.groups["silo"].tolist() == [0, 2, 1]
    assert "grades" not in students.StudentPerformance(grades="none").load().samples.inputs


def test_every_column_of_the_dropout_set_is_used_once(given):
    names = [n for block in students._DROPOUT_BLOCKS.values() for part in block for n in part]
    assert len(names) == len(set(names)) == 36
    given(students, {n: np.array(["1", "2"]) for n in [*names, "Target"]}, "read_dropout")
    assert sum(m.shape[0] for m in students.StudentDropout().load().modalities) == 36


def test_both_subjects_are_read_in_order(tmp_path):
    (tmp_path / "student-mat.csv").write_text('school;G3\n"GP";"6"\n')
    (tmp_path / "student-por.csv").write_text("school;G3\nMS ;11\n")
    raw = students.read_performance(tmp_path)
    assert (raw["subject"].tolist(), raw["G3"].tolist()) == (["mat", "por"], ["6", "11"])
    assert raw["school"].tolist() == ["GP", "MS"]
