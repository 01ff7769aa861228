"""Do clusters of clients that share copies help, and can they be found, where groups differ?

Hypothesis: clusters of declared groups beat one model for all by more the further the groups
lie apart, and clusters learned from changes come close. The numbers are in clusters.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
