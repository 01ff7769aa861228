"""Of everything that is done about errors on a device, what buys how much, alone?

Hypothesis: fewer two-qubit gates buy most; twirling nothing and decoupling only where idle qubits
drift, because the noise of a snapshot is random already. The numbers are in
backend_gap_practice.toml: `qfl run studies/backend_gap_practice.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
