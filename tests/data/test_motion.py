"""Motion: resampled inside recordings, never across two."""

import numpy as np

from qfl.data import motion
from tests.data.distributions import folders, same


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


RNG = np.random.default_rng(0)


def test_motion(tmp_path):
    official, repack = folders(tmp_path)
    imu = RNG.normal(size=(5, 6)).astype(np.float32)
    times = np.array([1000, 1010, 1022, 50, 61])
    labels = np.array([0, 0, 4, 3, 3], np.uint8)
    head = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label"
    for name, rows in (("s01_01_sp", slice(0, 3)), ("s23_02_sw", slice(3, 5))):
        lines = [
            ",".join([*(repr(float(v)) for v in row), str(t), motion.ACTIVITIES[label]])
            for row, t, label in zip(imu[rows], times[rows], labels[rows], strict=True)
        ]
        (official / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    np.savez(
        repack / "sp_sw_har.npz",
        imu=imu,
        t_ms=np.array([0, 10, 22, 0, 11], np.int32),
        t0_ms=np.array([1000, 50]),
        label=labels,
        label_names=np.array(motion.ACTIVITIES),
        offset=np.array([0, 3, 5]),
        subject=np.array([1, 23], np.uint8),
        execution=np.array([1, 2], np.uint8),
        device=np.array(["sp", "sw"]),
    )
    same(motion.read(official), motion.read(repack))
