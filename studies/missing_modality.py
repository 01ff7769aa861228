"""Does completing missing modalities help a federation, and the more, the more is missing?

Hypothesis: completion beats zeros and hiding, and its lead over zeros grows with the missing
share, for even and for skewed clients. The numbers are in missing_modality.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
