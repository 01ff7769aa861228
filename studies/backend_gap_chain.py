"""Do snapshots of devices say what the devices themselves were published to do?

Hypothesis: on the public ten-qubit chain a snapshot is within 0.03 of the published approximation
ratio of its device, more often above than below. Published results stand beside ours and are never
mixed in. The numbers are in backend_gap_chain.toml: `qfl run studies/backend_gap_chain.toml` plays
the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
