"""Complete little worlds: data, clients, devices and links, built from a cell's streams."""

from __future__ import annotations

from qfl.core.registry import Registry, Row

SCENARIOS = Registry(
    "scenario",
    {
        "digits": Row(
            "qfl.scenarios.digits:Digits",
            "16 clients with skewed handwritten digits, two modalities, two tasks",
        ),
        "av_digits": Row(
            "qfl.scenarios.av_digits:AvDigits",
            "spoken digits beside noisy pictures at six speakers, or shards of them",
        ),
        "synthetic": Row(
            "qfl.scenarios.synthetic:Synthetic",
            "30 clients, 3 groups x 10 patterns of 3 made-up modalities and 4 tasks; no files",
        ),
        "crowd": Row(
            "qfl.scenarios.crowd:Crowd",
            "10,000 made-up clients whose samples are drawn when they are called; no files",
        ),
    },
)
