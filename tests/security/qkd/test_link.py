import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.decoy import decoy_rate
from qfl.security.qkd.link import FibreLink, FreeSpaceLink


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


def test_far_field_falls_with_the_square_of_the_distance():
    near, far = (FreeSpaceLink(distance_km=km, zenith_transmittance=1.0) for km in (1000, 2000))
    assert near.channel_transmittance / far.channel_transmittance == pytest.approx(4, rel=0.05)


def test_a_wide_receiver_takes_everything_but_the_air():
    link = FreeSpaceLink(
        distance_km=1, receiver_aperture_m=50, zenith_transmittance=0.7, elevation_degrees=30
    )
    assert link.channel_transmittance == pytest.approx(0.7**2, rel=1e-9)


def test_jitter_and_low_passes_cost_light():
    best = FreeSpaceLink(distance_km=500)
    shaky = FreeSpaceLink(distance_km=500, pointing_jitter_urad=5)
    low = FreeSpaceLink(distance_km=500, elevation_degrees=20)
    assert shaky.channel_transmittance < best.channel_transmittance
    assert low.channel_transmittance < best.channel_transmittance


def test_a_satellite_pass_makes_key():
    link = FreeSpaceLink(distance_km=600, elevation_degrees=60)
    assert decoy_rate(link, signal=0.48, weak=0.1) > 1e-6


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("distance_km", -1.0),
        ("receiver_aperture_m", 0.0),
        ("elevation_degrees", 0.0),
        ("zenith_transmittance", 1.1),
    ],
)
def test_impossible_beams_are_refused_by_name(option, value):
    with pytest.raises(ConfigError, match=option):
        FreeSpaceLink(**{"distance_km": 600.0, option: value})
