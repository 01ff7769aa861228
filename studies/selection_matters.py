"""Does it matter who chooses the clients, and the more so the more unequal they are?

Hypothesis: on spoken digits beside pictures, QAOA deciding from 24 shots ends above random
selection where each client knows few digits, and level with it where all know all of them. The
numbers are in selection_matters.toml, so this script and `qfl run studies/selection_matters.toml`
play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
