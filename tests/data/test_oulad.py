"""Open University: nothing is seen that was handed in later."""

import numpy as np

from qfl.data import oulad


def test_what_is_handed_in_after_the_day_is_not_seen(given):
    info = ["code_module", "code_presentation", "id_student", "gender", "highest_education",
            "imd_band", "age_band", "disability", "region", "num_of_prev_attempts",
            "studied_credits", "final_result"]  # fmt: skip
    raw = {f"studentInfo/{name}": np.array(["1", "2"]) for name in info}
    raw["studentInfo/final_result"] = np.array(["Pass", "Fail"])
    raw |= {
        "assessments/id_assessment": np.array(["t1", "t2"]),
        "assessments/code_module": np.array(["1", "1"]),
        "assessments/code_presentation": np.array(["1", "1"]),
        "assessments/date": np.array([20.0, 150.0]),
        "assessments/weight": np.array([10.0, 90.0]),
        "studentAssessment/id_assessment": np.array(["t1", "t2"]),
        "studentAssessment/id_student": np.array(["1", "1"]),
        "studentAssessment/date_submitted": np.array([18.0, 149.0]),
        "studentAssessment/score": np.array([80.0, 5.0]),
    }
    raw |= {f"studentRegistration/{name}": np.array(["1", "2"]) for name in oulad._KEY}
    raw["studentRegistration/date_registration"] = np.array([-30.0, np.nan])
    given(oulad, raw)
    data = oulad.Oulad().load()
    np.testing.assert_allclose(data.samples.inputs["results"], [[1, 80, 8, 2, -30, 18],
                                                                [0, 0, 0, 0, 0, -1]])  # fmt: skip
    assert data.samples.targets["pass"].tolist() == [1, 0]


def test_the_day_of_leaving_a_course_is_not_read(tmp_path):
    for table in ("studentInfo", "studentAssessment", "assessments"):
        (tmp_path / f"{table}.csv").write_text('"id","score"\n1,2\n')
    (tmp_path / "studentRegistration.csv").write_text("id,date_unregistration\n1,30\n")
    assert set(oulad.read(tmp_path)) == {
        f"{table}/{column}"
        for table in ("studentInfo", "studentAssessment", "assessments")
        for column in ("id", "score")
    } | {"studentRegistration/id"}
