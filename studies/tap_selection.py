"""Does a QUBO over held pairs train every pair sooner, and do personal models gain by it?

Hypothesis: QAOA trains every pair twice in fewer rounds than uniform draws, and the personal
models of TAP end higher. The numbers are in tap_selection.toml, so this script and
`qfl run studies/tap_selection.toml` play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
