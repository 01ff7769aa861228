"""Do the studies of modalities and tasks fit their budget: a minute for a smoke run, ten for all?

Measured in CPU seconds of one thread per process, shared between two cores: what they take where
nothing else runs. Seeds cost the same, so that one of them stands for all.
"""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from qfl.study import Study

STUDIES = Path(__file__).parents[2] / "studies"
CORES, SMOKE_SECONDS, FULL_SECONDS = 2, 60, 600
NAMES = ("tap", "tap_longer", "tap_pairs", "tap_selection", "missing_modality")
NAMES += ("missing_modality_parts", "missing_modality_selection")


def spent(study, out, *options):
    """CPU seconds of a run of a study, its start-up included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "qfl", "run", str(study), "--jobs", "1", "--out", str(out)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("name", NAMES)
def test_a_study_fits_its_budget(report, benchmark, name, tmp_path):
    path = STUDIES / f"{name}.toml"
    seeds = Study.load(path).seeds
    smoke = benchmark.pedantic(
        lambda: spent(path, tmp_path / "smoke", "--profile", "smoke"), rounds=1
    )
    report.ratio(f"{name}, smoke, seconds of two cores", smoke / CORES, at_most=SMOKE_SECONDS)
    one = spent(path, tmp_path / "one", "--seeds", f"{seeds[0]}:{seeds[0] + 1}")
    what = f"{name}, all {len(seeds)} seeds, seconds of two cores"
    report.ratio(what, one * len(seeds) / CORES, at_most=FULL_SECONDS)
