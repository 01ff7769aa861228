"""Figures of links: a row per link with its quartiles, a cross per aborted session."""

import pytest

from qfl.report.protecting.link_figures import pools_figure, qber_figure
from qfl.report.protecting.links import Link, links, poorest_pools
from qfl.report.runs.results import read

DIGITS = 5e-5
"""Half of the last of the five digits that columns keep."""


def test_every_link_and_every_aborted_session_is_drawn(run_dir):
    found = links(read(run_dir))
    data = qber_figure(found).data
    assert data["usual"]["client"] == [link.client for link in found]
    assert data["usual"]["x"] == pytest.approx([link.qber[1] for link in found], rel=DIGITS)
    assert set(data["aborted"]["client"]) == {"client-03"}
    assert len(data["aborted"]["x"]) == 42


def test_a_link_that_never_gave_a_key_has_crosses_alone():
    dead = Link("client-00", 2, 2, (), (0.2, 0.3), 0.0, 0.0)
    data = qber_figure([dead]).data
    assert not any(data["usual"].values())
    assert data["aborted"]["x"] == [0.2, 0.3]


def test_pools_are_drawn_as_they_were_read(run_dir):
    pools = poorest_pools(read(run_dir))
    drawn = pools_figure(pools).data["pools"]
    assert drawn["y"] == pytest.approx(pools.median.tolist(), rel=DIGITS)
    assert drawn["low"] == pytest.approx(pools.lower.tolist(), rel=DIGITS)
    assert drawn["text"][0].endswith("bit")
