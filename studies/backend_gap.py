"""How far are the samples of a device from those of the ideal simulator, and why?

Hypothesis: every generation of devices narrows the gap, but from eight clients on no snapshot comes
within 0.03 of the ideal approximation ratio on dense instances; of the mitigations, switched on one
at a time, none closes it. The numbers are in backend_gap.toml; `qfl run studies/backend_gap.toml`
plays the same cells. On a real device it runs with one more line, given there.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
