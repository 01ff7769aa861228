"""A robot along a wall: what is ahead one step later."""

import numpy as np

from qfl.data import wall_robot
from tests.data.distributions import same

RNG = np.random.default_rng(0)


def test_the_robot_is_asked_for_the_way_ahead_one_step_later(given):
    given(wall_robot, {"sonar": RNG.random((9, 24)), "action": np.array(list("abcdabcda"))})
    data = wall_robot.WallRobot().load()
    raw = wall_robot.read(None)["sonar"]
    np.testing.assert_allclose(data.samples.targets["next"], raw[1:].min(1), rtol=1e-6)
    np.testing.assert_allclose(data.samples.inputs["left"], raw[:-1, 6:12], rtol=1e-6)


def test_wall_robot(tmp_path):
    sonar = ",".join(["0.25"] * 24)
    for suffix in ("csv", "data"):
        (tmp_path / suffix).mkdir()
        path = tmp_path / suffix / f"sensor_readings_24.{suffix}"
        path.write_text(f"{sonar},Move-Forward\n{sonar},Sharp-Right-Turn\n")
    same(wall_robot.read(tmp_path / "csv"), wall_robot.read(tmp_path / "data"))
