"""Does a federation learn slower when noisy hardware chooses its clients?

Hypothesis: decisions get worse with noise, and the learning curve does not by more than the spread
over seeds. The numbers are in backend_gap_learning.toml, and
`qfl run studies/backend_gap_learning.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
