"""Do personal models that take modules task by task beat local training and fine-tuned FedAvg?

Hypothesis: TAP ends above local training, FedAvg and fine-tuned FedAvg in the mean over tasks of
what clients themselves predict. The numbers are in tap.toml, so this script and
`qfl run studies/tap.toml` play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
