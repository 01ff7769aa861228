"""Data sets, and how they are divided among clients. Loaders never download inside a run."""

from __future__ import annotations

from qfl.core.registry import Registry, Row

DATASETS = Registry(
    "dataset",
    {
        "digits": Row(
            "qfl.data.digits:Digits",
            "1,797 handwritten digits of scikit-learn: 8x8 image, and profile, the ink of its rows "
            "and columns (a view derived from the same pixels); or the two halves of the image; "
            "tasks digit and slant",
        ),
        "synthetic": Row(
            "qfl.data.synthetic:Synthetic",
            "made-up modalities and tasks with a known share of each modality in each task",
        ),
        "av_digits": Row(
            "qfl.data.av_digits:AvDigits",
            "3,000 spoken digits beside noisy pictures; tasks digit, parity, speaker; 6 speakers",
        ),
        "mnist": Row("qfl.data.mnist:Mnist", "70,000 handwritten digits; tasks digit, parity"),
        "fsdd": Row(
            "qfl.data.fsdd:Fsdd", "3,000 spoken digits; tasks digit, parity, speaker; 6 speakers"
        ),
        "mfeat": Row("qfl.data.mfeat:Mfeat", "2,000 digits in six views; tasks digit, parity"),
        "sp_sw_har": Row(
            "qfl.data.motion:SpSwHar", "phone and watch motion; task activity; 23 people"
        ),
        "student_performance": Row(
            "qfl.data.students:StudentPerformance",
            "1,044 pupils in blocks of features; tasks pass, grade; 4 silos",
        ),
        "student_dropout": Row(
            "qfl.data.students:StudentDropout",
            "4,424 students in blocks of features; task outcome; 17 courses",
        ),
        "oulad": Row(
            "qfl.data.oulad:Oulad",
            "32,593 enrolments at the Open University; tasks pass, outcome; 22 presentations",
        ),
        "ett": Row("qfl.data.ett:Ett", "transformer loads by the hour; forecast of the next day"),
        "pjm_hourly": Row(
            "qfl.data.pjm:PjmHourly", "load of utilities by the hour; forecast, peak; 11 zones"
        ),
        "grid_stability": Row(
            "qfl.data.grid_stability:GridStability",
            "10,000 simulated grids; tasks stable, margin",
        ),
        "hydraulic": Row(
            "qfl.data.hydraulic:Hydraulic", "eight sensors of a test rig; five conditions"
        ),
        "cmapss_fd001": Row(
            "qfl.data.cmapss:Cmapss", "turbofans to failure; tasks life, soon; 100 engines"
        ),
        "landsat": Row("qfl.data.landsat:Landsat", "patches in four bands; task land"),
        "wall_robot": Row("qfl.data.wall_robot:WallRobot", "24 sonars; tasks action, next"),
        "clinc150": Row("qfl.data.intents:Clinc150", "150 intents in 10 domains, text"),
        "snips": Row("qfl.data.intents:Snips", "voice commands; tasks intent, slots"),
    },
)
