"""What loaders make of the arrays, on tiny sets written into a folder; scaling; text."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality, Task
from qfl.data import (
    av_digits,
    cmapss,
    ett,
    fsdd,
    grid_stability,
    hydraulic,
    intents,
    landsat,
    mfeat,
    mnist,
    motion,
    oulad,
    pjm,
    students,
    wall_robot,
)
from qfl.data.assemble import assemble
from qfl.data.scaling import standardised
from qfl.data.text import bucket, hashed, words

RNG = np.random.default_rng(0)


@pytest.fixture
def given(monkeypatch, tmp_path):
    """A function (module, reader, arrays): let this reader find these arrays."""

    def put(module, arrays, reader="read"):
        monkeypatch.setattr(module, "require_folder", lambda id: tmp_path)
        monkeypatch.setattr(module, reader, lambda folder: arrays)

    return put


def sound(digits, takes=12):
    n = len(digits) * takes
    return {
        "pcm": RNG.integers(-3000, 3000, n * 400).astype(np.int16),
        "offset": np.arange(n + 1) * 400,
        "digit": np.repeat(np.array(digits, np.uint8), takes),
        "speaker": np.array(["theo", "george"] * (n // 2)),
        "index": np.tile(np.arange(takes, dtype=np.uint8), len(digits)),
    }


def ink(n=60):
    return {
        "x_train": RNG.integers(0, 256, (n, 28, 28)).astype(np.uint8),
        "y_train": np.arange(n, dtype=np.uint8) % 10,
        "x_test": RNG.integers(0, 256, (n, 28, 28)).astype(np.uint8),
        "y_test": np.arange(n, dtype=np.uint8) % 10,
    }


def test_av_digits_pairs_by_digit_and_by_split(given):
    voices, pictures = sound([3, 8]), ink(200)
    given(fsdd, voices)
    given(mnist, pictures)
    given(av_digits, None, "require_folder")
    data = av_digits.AvDigits(image_noise=0.0).load()
    image = (data.samples.inputs["image"] * 255).round().astype(np.uint8)
    digit, test = data.samples.targets["digit"], set(data.test_rows.tolist())
    assert len(test) == 10
    for row in range(len(digit)):
        part = "test" if row in test else "train"
        found = np.flatnonzero((pictures[f"x_{part}"] == image[row]).all((1, 2)))
        assert pictures[f"y_{part}"][found].tolist() == [digit[row]]
    assert len({picture.tobytes() for picture in image}) == len(image)
    assert set(data.groups["speaker"].tolist()) == {0, 1}


def test_av_digits_noise_is_always_the_same(given):
    given(fsdd, sound([1]))
    given(mnist, ink(120))
    given(av_digits, None, "require_folder")
    one, two, clean = (
        av_digits.AvDigits(image_noise=noise).load().samples.inputs["image"]
        for noise in (0.9, 0.9, 0.0)
    )
    np.testing.assert_array_equal(one, two)
    assert (one - clean).std() == pytest.approx(0.9, abs=0.03)


def test_mnist_keeps_the_first_and_the_official_test_set(given):
    given(mnist, ink())
    data = mnist.Mnist(samples=20).load()
    assert len(data.samples) == 80
    assert data.test_rows.tolist() == list(range(20, 80))
    assert data.samples.inputs["image"].max() <= 1


def test_a_band_of_landsat_is_every_fourth_number(given):
    x = np.arange(2 * 36, dtype=np.uint8).reshape(2, 36)
    given(landsat, {"x": x, "y": np.array([0, 5], np.uint8)})
    data = landsat.Landsat().load()
    np.testing.assert_array_equal(data.samples.inputs["red"][0], np.arange(1, 36, 4))


def test_views_and_blocks_become_modalities(given):
    raw = {view: RNG.random((4, size)) for view, size in mfeat.VIEWS.items()}
    given(mfeat, raw | {"digit": np.arange(4)})
    assert [m.shape for m in mfeat.Mfeat().load().modalities] == [
        (size,) for size in mfeat.VIEWS.values()
    ]
    blocks = {name: RNG.random((3, 4)) for name in ("tau", "p", "g")}
    given(grid_stability, blocks | {"stab": np.zeros(3), "stable": np.array([1, 0, 1])})
    assert grid_stability.GridStability().load().samples.targets["stable"].tolist() == [1, 0, 1]
    cycles = {name: RNG.random((20, 60)) for name in hydraulic.SENSORS}
    profile = np.tile([[3, 100, 0, 130, 1], [20, 73, 2, 90, 0]], (10, 1))
    given(hydraulic, cycles | {"profile": profile})
    data = hydraulic.Hydraulic().load()
    assert data.samples.targets["cooler"].tolist() == [0, 1] * 10
    assert np.bincount(data.groups["block"]).tolist() == [2] * 10


def test_the_robot_is_asked_for_the_way_ahead_one_step_later(given):
    given(wall_robot, {"sonar": RNG.random((9, 24)), "action": np.array(list("abcdabcda"))})
    data = wall_robot.WallRobot().load()
    raw = wall_robot.read(None)["sonar"]
    np.testing.assert_allclose(data.samples.targets["next"], raw[1:].min(1), rtol=1e-6)
    np.testing.assert_allclose(data.samples.inputs["left"], raw[:-1, 6:12], rtol=1e-6)


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


def test_windows_of_a_forecast_do_not_leave_their_months(given):
    hours = np.arange(ett.TRAIN + ett.VALIDATE + ett.TEST + 500.0)
    given(ett, {site: np.repeat(hours[:, None], 7, axis=1) for site in ("h1", "h2")})
    data = ett.Ett(stride=24).load()
    year = hours[: ett.TRAIN]
    past = data.samples.inputs["load"] * year.std() + year.mean()
    ahead = data.samples.targets["next"] * year.std() + year.mean()
    np.testing.assert_allclose(ahead[:, 0], past[:, -1] + 1, atol=0.1)
    block = data.groups["block"]
    edges = [ett.TRAIN, ett.TRAIN + ett.VALIDATE, ett.TRAIN + ett.VALIDATE + ett.TEST]
    for number, (first, last) in enumerate(zip([0, *edges], edges, strict=False)):
        own = ahead[block == number]
        assert own.min() > first - 0.1
        assert own.max() < last - 0.9
    assert set(block[data.test_rows]) == {2}


def test_windows_with_missing_hours_are_left_out(given):
    raw = {}
    for zone in pjm.ZONES:
        hours = np.delete(np.arange(1200), [130, 700]).astype(np.int32)
        raw |= {
            f"{zone}_t0": np.array(["2016-01-01T00"], "datetime64[h]"),
            f"{zone}_hour": hours,
            f"{zone}_mw": (100 + hours % 24).astype(np.float32),
        }
    given(pjm, raw)
    data = pjm.PjmHourly(stride=100).load()
    kept = [s for s in range(0, 1200 - 119, 100) if not {130, 700} & set(range(s, s + 120))]
    assert len(data.samples) == 11 * len(kept)
    assert kept[0] == 0
    assert data.samples.targets["peak"][0] == 3  # the load grows over the day
    assert data.samples.inputs["calendar"][0].tolist() == [5, 0]  # Tuesday in January


def test_lives_are_capped_and_test_engines_end_where_they_were_cut(given):
    def engine(unit, cycles):
        return np.column_stack(
            [np.full(cycles, unit), np.arange(1, cycles + 1), RNG.random((cycles, 24))]
        )

    train = np.concatenate([engine(1, 200), engine(2, 40)])
    given(cmapss, {"train": train, "test": engine(1, 10), "life": np.array([77.0])})
    data = cmapss.Cmapss(stride=8).load()
    life = data.samples.targets["life"]
    assert life.max() == 125
    assert life[data.test_rows].tolist() == [77]
    assert sorted(life[data.groups["engine"] == 1]) == [0, 8]
    assert data.samples.inputs["engine"].shape[1:] == (24, 32)


def test_motion_is_resampled_inside_recordings(given):
    steps = np.arange(0, 5000, 20, dtype=np.int32)
    ramp = np.repeat(steps[:, None] / 1000.0, 6, axis=1).astype(np.float32)
    given(
        motion,
        {
            "imu": np.concatenate([ramp, -ramp]),
            "t_ms": np.concatenate([steps, steps]),
            "label": np.repeat(np.array([0, 4], np.uint8), len(steps)),
            "offset": np.array([0, len(steps), 2 * len(steps)]),
            "subject": np.array([1, 2], np.uint8),
            "device": np.array(["sp", "sw"]),
        },
    )
    data = motion.SpSwHar().load()
    window = data.samples.inputs["motion"]
    assert window.shape == (6, 6, 200)
    np.testing.assert_allclose(np.diff(window[:3], axis=2), 0.01, atol=1e-6)
    assert data.samples.targets["activity"].tolist() == [0, 0, 0, 4, 4, 4]
    assert set(motion.SpSwHar(device="sw").load().samples.targets) == {"activity"}


def test_slots_stand_at_their_words(given):
    raw = {
        "intent": np.array(list("abcdefg")),
        "part": np.array(["train"] * 6 + ["validate"]),
        "piece": np.array(["play ", "Let It Be", " now", *"bcdefg"]),
        "slot": np.array(["", "track", "", *[""] * 6]),
        "offset": np.array([0, 3, 4, 5, 6, 7, 8, 9]),
    }
    given(intents, raw, "read_snips")
    data = intents.Snips(positions=6).load()
    assert data.samples.targets["slots"][0].tolist() == [0, 1, 1, 1, 0, -1]
    assert (data.samples.inputs["words"][0] > 0).tolist() == [True] * 5 + [False]
    assert data.test_rows.tolist() == [6]


def test_out_of_scope_utterances_are_left_out(given):
    raw = {
        "text": np.array(["a b", "c", "d"]),
        "intent": np.array(["pay", "oos", "greet"]),
        "part": np.array(["train", "train", "test"]),
        "domain_intent": np.array(["greet", "pay"]),
        "domain": np.array(["talk", "money"]),
    }
    given(intents, raw, "read_clinc")
    data = intents.Clinc150().load()
    assert data.samples.targets["domain"].tolist() == [0, 1]
    assert data.test_rows.tolist() == [1]
    assert (data.samples.inputs["words"][0] > 0).sum() == 3


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


def test_numbers_that_are_not_are_refused_by_name():
    x = np.array([[1.0], [np.nan]])
    task = {Task("a", "classification", 2): np.array([0, 1])}
    with pytest.raises(ConfigError, match="v has 1 values that are NaN"):
        assemble("landsat", {}, modalities={Modality("v", (1,)): x}, tasks=task)
    with pytest.raises(ConfigError, match=r"has shape \(1,\) per sample, declared is \(2,\)"):
        assemble("landsat", {}, modalities={Modality("v", (2,)): x[:1]}, tasks=task)


def test_scaling_looks_at_training_rows_alone():
    table = Modality("t", (2,), "tabular", (0, 3))
    steps = Modality("m", (2, 5), "imu")
    data = assemble(
        "landsat",
        {"x": np.zeros(1)},
        modalities={table: np.array([[1, 2], [3, 0], [99, 1]]), steps: RNG.random((3, 2, 5))},
        tasks={Task("y", "regression", 1): np.array([2.0, 4.0, 100.0])},
    )
    scaled = standardised(data, [0, 1])
    assert scaled.samples.inputs["t"].tolist() == [[-1, 2], [1, 0], [97, 1]]
    assert scaled.samples.targets["y"].tolist() == [-1, 1, 97]
    seen = scaled.samples.inputs["m"][:2]
    np.testing.assert_allclose(seen.mean((0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(seen.std((0, 2)), 1, atol=1e-5)
    far = replace(data, samples=data.samples.take(np.array([0, 1])))
    np.testing.assert_array_equal(standardised(far, [0, 1]).samples.inputs["m"], seen)


def test_hashed_words_keep_their_places_and_pairs_follow():
    rows = hashed([["a", "b"], []], vocabulary=64, positions=4, ngram=2)
    assert rows[0].tolist() == [bucket("a", 64), bucket("b", 64), bucket("a b", 64), 0]
    assert rows[1].tolist() == [0, 0, 0, 0]
    assert words("What's U2?") == ["what's", "u2"]
    assert {bucket(str(k), 16) for k in range(200)} == set(range(1, 16))
