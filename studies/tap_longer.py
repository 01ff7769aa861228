"""Does TAP overtake fine-tuned FedAvg once clients train ten times, and only where they differ?

Hypothesis: with unequal classes TAP ends above fine-tuned FedAvg in the mean over tasks of what
clients themselves predict, with alike clients it stays behind. The numbers are in tap_longer.toml,
so this script and `qfl run studies/tap_longer.toml` play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
