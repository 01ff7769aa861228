"""Does a choice that avoids equal profiles cover both modalities and learn better?

Hypothesis: with the overlap of profiles as redundancy, greedy, exact and QAOA selection cover
both modalities better than uniform draws. The numbers are in missing_modality_selection.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
