import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.link import FibreLink


def test_transmittance_multiplies_fibre_and_receiver():
    link = FibreLink(length_km=50, loss_db_per_km=0.2, detector_efficiency=0.3)
    assert link.channel_transmittance == pytest.approx(0.1, rel=1e-12)
    assert link.transmittance == pytest.approx(0.03, rel=1e-12)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("length_km", -1.0),
        ("length_km", float("nan")),
        ("detector_efficiency", 1.5),
        ("dark_count_probability", 2.0),
        ("misalignment", 0.6),
        ("error_correction_efficiency", 0.9),
        ("pulse_rate_hz", 0.0),
    ],
)
def test_impossible_links_are_refused_by_name(option, value):
    with pytest.raises(ConfigError, match=option):
        FibreLink(**{"length_km": 10.0, option: value})
