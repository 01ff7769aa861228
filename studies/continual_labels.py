"""Does what keeps earlier classes keep them too where seasons only shift their shares?

Hypothesis: where classes come in groups the naive way loses all earlier ones, rehearsal keeps most,
and pulled weights keep few; where shares shift everybody loses less, in the same order. The numbers
are in continual_labels.toml: `qfl run studies/continual_labels.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
