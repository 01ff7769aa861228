"""Does choosing clients with QAOA help a federation learn in fewer rounds?

Hypothesis: QAOA deciding from 24 shots reaches the target accuracy in fewer rounds than random
selection. The numbers are in selection.toml, so this script and `qfl run studies/selection.toml`
play the same cells; a study may as well be built here, as Study(name=..., seeds=..., ...).
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
