"""Do seasons make a model forget, and does one season help the next?

Hypothesis: seasons ask the same of other inputs, so that the naive way forgets little and each
season helps the next, beyond a fresh start; rehearsal adds samples rather than memories; pulled
weights learn the later seasons worse. The numbers are in
continual_seasons.toml: `qfl run studies/continual_seasons.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
