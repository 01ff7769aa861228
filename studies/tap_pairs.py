"""Does the common model serve its tasks less well as modality-task pairs grow?

Hypothesis: at equal data per pair and equal model size, the score of the server falls as pairs
are added. The numbers are in tap_pairs.toml, so this script and `qfl run studies/tap_pairs.toml`
play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
