"""Does a circuit inside the model help a federation learn?

Hypothesis: a circuit in the place of a narrow layer learns about as well as a classical core with
as many trainable numbers, and better than fixed random features. The numbers are in
quantum_modules.toml; this script and `qfl run studies/quantum_modules.toml` play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
