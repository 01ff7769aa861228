"""Which part of completion helps, and does a useless generator help too?

Hypothesis: leaving completion out costs most, a single loss or the CKA weights little; noise in
place of a generator is no better than zeros. The numbers are in missing_modality_parts.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
